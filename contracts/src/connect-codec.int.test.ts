import {
  AvroDeserializer,
  AvroSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry'
import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Codec } from './codec.ts'
import { connectCodec } from './connect-codec.ts'
import { registerSchemas } from './deploy.ts'
import { PoisonRecord, RegistryUnavailable } from './errors.ts'
import { type MessagePosted } from './generated/records.ts'
import { openRegistry } from './registry.ts'
import { newestVersion, versionsOf } from './schemas.ts'
import { subjectOf, topics } from './topics.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const topic = topics.chatEvents
const subject = subjectOf(topic, 'MessagePosted')
const posted: MessagePosted = {
  roomId: randomUUID(),
  epoch: 'k3Jd',
  offset: 12,
  messageId: randomUUID(),
  senderId: randomUUID(),
  clientMessageId: 'c-1',
  body: 'Grüße, 世界 🎧',
  postedAt: 1795391116555,
  messageNumber: 9,
  replyTo: randomUUID(),
  threadId: randomUUID(),
  mentions: [randomUUID()],
  trackId: null,
  trackPositionMs: null,
}
const withId = (id: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeInt32BE(id, 1)
  return bytes
}

let codec: Codec
beforeAll(async () => {
  await registerSchemas(registryUrl)
  codec = await connectCodec(registryUrl)
})

describe('with a real registry', () => {
  it('learns an older version and reads it as the newest', async () => {
    const v1 = versionsOf('MessagePosted')[0]
    const id = await openRegistry(registryUrl).getId(subject, { schemaType: 'AVRO', schema: v1?.text ?? '' })
    const bytes = Buffer.concat([withId(id).subarray(0, 5), v1?.type.toBuffer(posted) ?? Buffer.alloc(0)])
    expect(codec.decode(topic, bytes)).toEqual({ unknownSchemaId: id })
    await codec.learn(topic, id)
    expect(codec.decode(topic, bytes)).toEqual({
      type: 'MessagePosted',
      value: {
        ...posted,
        messageNumber: 0,
        replyTo: null,
        threadId: null,
        mentions: [],
        trackId: null,
        trackPositionMs: null,
      },
    })
  })

  it.each([2_000_000_000, -1])(
    'has no schema %i: its records are poison, each time it is asked',
    async (id) => {
      expect(codec.decode(topic, withId(id))).toEqual({ unknownSchemaId: id })
      for (let attempt = 0; attempt < 2; attempt++) {
        const learning = codec.learn(topic, id)
        await expect(learning).rejects.toThrow(PoisonRecord)
        await expect(learning).rejects.toMatchObject({ code: 'unknown-schema' })
      }
    },
  )

  it('learns a schema that is none of ours, and calls its records poison', async () => {
    const registry = openRegistry(registryUrl)
    const foreign = `test-${randomUUID()}`
    const schema = JSON.stringify({ type: 'record', name: `R${randomUUID().slice(0, 8)}`, fields: [] })
    const id = await registry.register(foreign, { schemaType: 'AVRO', schema })
    try {
      await codec.learn(topic, id)
      expect(() => codec.decode(topic, withId(id))).toThrow(PoisonRecord)
    } finally {
      await registry.deleteSubject(foreign)
    }
  })
})

describe("the registry's own serializer", () => {
  const client = new SchemaRegistryClient({ baseURLs: [registryUrl] })
  const strategy = { subjectNameStrategy: () => subject }

  it('reads what we write', async () => {
    const deserializer = new AvroDeserializer(client, SerdeType.VALUE, strategy)
    const bytes = codec.encode(topic, 'MessagePosted', posted)
    expect(await deserializer.deserialize(topic.name, bytes)).toEqual(posted)
  })

  it('writes what we read, and the same bytes as we do', async () => {
    const serializer = new AvroSerializer(client, SerdeType.VALUE, {
      ...strategy,
      autoRegisterSchemas: false,
      useLatestVersion: true,
    })
    const bytes = await serializer.serialize(topic.name, posted)
    expect(codec.decode(topic, bytes)).toEqual({ type: 'MessagePosted', value: posted })
    expect(bytes).toEqual(codec.encode(topic, 'MessagePosted', posted))
  })
})

describe('with a registry that fails', () => {
  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  const serve = async (listener: RequestListener): Promise<string> => {
    const started = createServer(listener)
    server = started
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}`
  }
  /** Good for looking up, then as given for learning. */
  const failing = (learn: RequestListener) =>
    serve((request, response) => {
      if (request.method !== 'POST') learn(request, response)
      else response.setHeader('content-type', 'application/json').end('{"id":1,"version":1,"schema":"{}"}')
    })

  it('is unavailable when nothing listens', async () => {
    await expect(connectCodec('http://127.0.0.1:1')).rejects.toThrow(RegistryUnavailable)
  })

  it('is unavailable when it answers with a page that is none of its own', async () => {
    await expect(connectCodec(await serve((_request, response) => response.end('<html>')))).rejects.toThrow(
      /^schema registry http:\S+: the answer is not that of a schema registry$/,
    )
  })

  it('is asked again after an answer that was none', async () => {
    const answers = ['<html>', JSON.stringify({ schema: newestVersion('MessagePosted').text })]
    const connected = await connectCodec(
      await failing((_request, response) =>
        response.setHeader('content-type', 'application/json').end(answers.shift()),
      ),
    )
    await expect(connected.learn(topic, 5)).rejects.toThrow(RegistryUnavailable)
    await connected.learn(topic, 5)
  })

  it('says what to run when a schema is not registered', async () => {
    const url = await serve((_request, response) =>
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"error_code":40401,"message":"Subject not found."}'),
    )
    await expect(connectCodec(url)).rejects.toThrow(
      /^\S+-veza\.\w+\.\w+ v\d is not in the schema registry: run `npm run contracts -- register`$/,
    )
  })

  it.each([
    ['an error of its own', 500, '{"error_code":50001,"message":"Error in the backend data store"}'],
    ["a proxy's missing page", 404, '<html>Not Found</html>'],
    ['a missing route', 404, '{"error_code":404,"message":"HTTP 404 Not Found"}'],
    ['a refused login', 401, '{"error_code":401,"message":"Unauthorized"}'],
    ['too many requests', 429, ''],
    ['an answer that is none', 200, '<html>Welcome</html>'],
    ['an empty answer', 200, ''],
  ])('is unavailable, never poison, for %s', async (_what, status, body) => {
    const url = await failing((_request, response) => response.writeHead(status).end(body))
    await expect((await connectCodec(url)).learn(topic, 5)).rejects.toThrow(RegistryUnavailable)
  })

  it('is asked once by all who wait, and again after a failure', async () => {
    let asked = 0
    const url = await failing((_request, response) => {
      asked++
      if (asked === 1) response.destroy()
      else
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ schema: newestVersion('MessagePosted').text }))
    })
    const connected = await connectCodec(url)
    const waiting = [connected.learn(topic, 5), connected.learn(topic, 5), connected.learn(topic, 5)]
    for (const result of await Promise.allSettled(waiting)) expect(result.status).toBe('rejected')
    expect(asked).toBe(1)
    await connected.learn(topic, 5)
    await connected.learn(topic, 5)
    expect(asked).toBe(2)
  })

  it('is given up on when it never answers', async () => {
    const url = await failing(() => undefined)
    await expect((await connectCodec(url)).learn(topic, 5)).rejects.toThrow(RegistryUnavailable)
  })
})
