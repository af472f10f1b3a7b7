import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCodec } from './codec.ts'
import { PoisonRecord, RegistryUnavailable } from './errors.ts'
import { type MessagePosted, type PostMessage } from './generated/records.ts'
import { newestVersion, versionsOf } from './schemas.ts'
import { topics } from './topics.ts'

const ids = new Map([
  ['chat.commands.v1-veza.chat.PostMessage', 1],
  ['chat.events.v1-veza.chat.MessagePosted', 70_000],
  ['notifications.v1-veza.chat.CommandRefused', 3],
])
const noRegistry = () => Promise.reject(new RegistryUnavailable('no registry in this test'))
const codec = createCodec(ids, noRegistry)

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', maxLength: 300 }))
// avsc refuses the outermost safe integers, and below -2^52 its float arithmetic loses the sign.
const long = fc.maxSafeInteger().map((n) => Math.max(-(2 ** 52), Math.min(n, 2 ** 53 - 2)))
const anyPost: fc.Arbitrary<PostMessage> = fc.record({
  roomId: fc.uuid(),
  senderId: fc.uuid(),
  clientMessageId: text,
  body: text,
  sentAt: long,
  replyTo: fc.option(fc.uuid()),
  mentions: fc.array(fc.uuid()),
  trackId: fc.option(fc.uuid()),
  trackPositionMs: fc.option(long),
})
const anyPosted: fc.Arbitrary<MessagePosted> = fc.record({
  roomId: fc.uuid(),
  epoch: text,
  offset: long,
  messageId: fc.uuid(),
  senderId: fc.uuid(),
  clientMessageId: text,
  body: text,
  postedAt: long,
  messageNumber: long,
  replyTo: fc.option(fc.uuid()),
  threadId: fc.option(fc.uuid()),
  mentions: fc.array(fc.uuid()),
  trackId: fc.option(fc.uuid()),
  trackPositionMs: fc.option(long),
})
const post: PostMessage = {
  roomId: 'r',
  senderId: 's',
  clientMessageId: 'c',
  body: 'hello',
  sentAt: 7,
  replyTo: 'm',
  mentions: ['u', 'v'],
  trackId: null,
  trackPositionMs: null,
}
const bytes = codec.encode(topics.chatCommands, 'PostMessage', post)
const withHeader = (id: number, body: Uint8Array) => {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, body])
}
const thrownBy = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('encode', () => {
  it('writes a zero byte, the schema id in big endian, and Avro binary of exactly that length', () => {
    expect(bytes.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 1]))
    expect(bytes.subarray(5)).toEqual(newestVersion('PostMessage').type.toBuffer(post))
  })

  it('gives bytes that later calls leave alone', () => {
    const before = bytes.toString('hex')
    codec.encode(topics.chatCommands, 'PostMessage', { ...post, body: 'other' })
    expect(bytes.toString('hex')).toBe(before)
  })

  it('holds values larger than its first buffer, and small ones again', () => {
    for (const body of ['x'.repeat(100_000), 'é'.repeat(400_000), 'small'])
      expect(
        codec.decode(
          topics.chatCommands,
          codec.encode(topics.chatCommands, 'PostMessage', { ...post, body }),
        ),
      ).toEqual({ type: 'PostMessage', value: { ...post, body } })
  })

  it.each([
    ['a fraction', { ...post, sentAt: 0.5 }],
    ['a number beyond 2^53', { ...post, sentAt: 2 ** 53 }],
    ['no number', { ...post, sentAt: Number.NaN }],
  ])('refuses %s and goes on', (_what, value) => {
    expect(() => codec.encode(topics.chatCommands, 'PostMessage', value)).toThrow()
    expect(codec.encode(topics.chatCommands, 'PostMessage', post)).toEqual(bytes)
  })
})

describe('encode and decode', () => {
  it('give back any PostMessage', () => {
    fc.assert(
      fc.property(anyPost, (value) => {
        const decoded = codec.decode(
          topics.chatCommands,
          codec.encode(topics.chatCommands, 'PostMessage', value),
        )
        expect(decoded).toEqual({ type: 'PostMessage', value })
      }),
      { seed: 3 },
    )
  })

  it('give back any MessagePosted, from inside a larger buffer too', () => {
    fc.assert(
      fc.property(anyPosted, fc.uint8Array(), (value, around) => {
        const encoded = codec.encode(topics.chatEvents, 'MessagePosted', value)
        const inside = Buffer.concat([around, encoded, around]).subarray(
          around.length,
          around.length + encoded.length,
        )
        expect(codec.decode(topics.chatEvents, inside)).toEqual({ type: 'MessagePosted', value })
      }),
      { seed: 3 },
    )
  })
})

describe('poison', () => {
  it.each([
    ['no bytes', Buffer.alloc(0), 'malformed'],
    ['half a header', Buffer.from([0, 0, 0]), 'malformed'],
    ['a JSON text', Buffer.from('{"body":"hello"}'), 'bad-magic'],
    ['a header alone', bytes.subarray(0, 5), 'malformed'],
    ['a truncated value', bytes.subarray(0, -1), 'malformed'],
    ['trailing bytes', Buffer.concat([bytes, Buffer.from([0])]), 'malformed'],
    ['a string of negative length', withHeader(1, Buffer.from([0x01])), 'malformed'],
    [
      'a string longer than the record',
      withHeader(1, Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f])),
      'malformed',
    ],
    ['a number without end', withHeader(1, Buffer.alloc(64, 0xff)), 'malformed'],
    ['a record of another topic', withHeader(3, bytes.subarray(5)), 'wrong-record'],
  ])('%s', (_what, poison, code) => {
    const error = thrownBy(() => codec.decode(topics.chatCommands, poison))
    expect(error).toBeInstanceOf(PoisonRecord)
    expect(error).toMatchObject({ code })
  })

  it('of any kind is a PoisonRecord and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (noise, at) => {
        const damaged = Buffer.from(bytes)
        damaged.set(noise.subarray(0, Math.max(0, damaged.length - 5 - at)), Math.min(5 + at, damaged.length))
        for (const poison of [Buffer.from(noise), withHeader(1, noise), damaged]) {
          const error = thrownBy(() => codec.decode(topics.chatCommands, poison))
          expect(error === undefined || error instanceof PoisonRecord).toBe(true)
        }
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  it('in a topic that carries no record of its own is never decoded by name', () => {
    expect(() => codec.decode(topics.chatFanoutDeadLetters, bytes)).toThrow(PoisonRecord)
  })
})

describe('learn', () => {
  const v1 = versionsOf('MessagePosted')[0]
  const posted = {
    roomId: 'r',
    epoch: 'e',
    offset: 1,
    messageId: 'm',
    senderId: 's',
    clientMessageId: 'c',
    body: 'b',
    postedAt: 5,
  }
  const old = withHeader(9, v1?.type.toBuffer(posted) ?? Buffer.alloc(0))

  it('is asked for when a writer is unknown, and old records then read as the newest version', async () => {
    const asked: number[] = []
    const learner = createCodec(ids, (id) => {
      asked.push(id)
      return Promise.resolve(v1?.text ?? '')
    })
    expect(learner.decode(topics.chatEvents, old)).toEqual({ unknownSchemaId: 9 })
    await Promise.all([learner.learn(topics.chatEvents, 9), learner.learn(topics.chatEvents, 9)])
    expect(learner.decode(topics.chatEvents, old)).toEqual({
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
    await learner.learn(topics.chatEvents, 9)
    expect(asked).toEqual([9])
  })

  it('reads a version newer than ours, without what we do not know', async () => {
    const newer = JSON.parse(newestVersion('PostMessage').text) as { fields: object[] }
    newer.fields.unshift({ name: 'note', type: 'string', default: '' })
    const learner = createCodec(ids, () => Promise.resolve(JSON.stringify(newer)))
    await learner.learn(topics.chatCommands, 9)
    const bytesOfNewer = withHeader(9, Buffer.concat([Buffer.from([2, 0x78]), bytes.subarray(5)]))
    expect(learner.decode(topics.chatCommands, bytesOfNewer)).toEqual({ type: 'PostMessage', value: post })
  })

  it('forgets a failure', async () => {
    let up = false
    const learner = createCodec(ids, () => (up ? Promise.resolve(v1?.text ?? '') : noRegistry()))
    await expect(learner.learn(topics.chatEvents, 9)).rejects.toThrow(RegistryUnavailable)
    expect(learner.decode(topics.chatEvents, old)).toEqual({ unknownSchemaId: 9 })
    up = true
    await learner.learn(topics.chatEvents, 9)
    expect(learner.decode(topics.chatEvents, old)).toMatchObject({ type: 'MessagePosted' })
  })

  it.each([
    ['a record that is not in the catalogue', '{"type":"record","name":"Other","fields":[]}'],
    ['a schema that is no record', '"string"'],
    [
      'a schema of another language',
      '{"$schema":"https://json-schema.org/draft-07/schema#","type":"object"}',
    ],
    ['no schema at all', 'syntax = "proto3";'],
    [
      'a version that no reader can read',
      '{"type":"record","name":"MessagePosted","namespace":"veza.chat","fields":[{"name":"roomId","type":"int"}]}',
    ],
  ])('of %s makes its records poison', async (_what, schema) => {
    const learner = createCodec(ids, () => Promise.resolve(schema))
    await learner.learn(topics.chatEvents, 9)
    expect(thrownBy(() => learner.decode(topics.chatEvents, old))).toMatchObject({ code: 'wrong-record' })
  })
})
