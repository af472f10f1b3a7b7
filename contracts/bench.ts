import {
  AvroDeserializer,
  AvroSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry'
import { registerSchemas } from './src/deploy.ts'
import { connectCodec, subjectOf, topics, type MessagePosted } from './src/index.ts'
import { newestVersion } from './src/schemas.ts'

/** One line of the table. */
export interface CodecRow {
  name: string
  /** Median of the rounds. */
  opsPerSecond: number
}

interface Contender {
  name: string
  /** Operations a round: what takes some 50 ms, so that rounds of all contenders interleave finely. */
  count: number
  run: (count: number) => void | Promise<void>
}

const rounds = 21

const message: MessagePosted = {
  replyTo: null,
  threadId: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
  roomId: '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f',
  epoch: 'k3Jd',
  offset: 1_234_567,
  messageId: '6f9619ff-8b86-8011-b42d-00c04fc964ff',
  senderId: '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f',
  clientMessageId: '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e40',
  body: 'Did anyone else hear the second take? The brushes on the snare make all the difference to me.',
  postedAt: 1_795_391_116_555,
  messageNumber: 1_234_000,
}

const repeat = (operation: () => unknown) => (count: number) => {
  for (let i = 0; i < count; i++) operation()
}

const repeatAsync = (operation: () => Promise<unknown>) => async (count: number) => {
  for (let i = 0; i < count; i++) await operation()
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/**
 * Encodes and decodes a MessagePosted of some 300 bytes with bare avsc, with our codec and with the registry's own
 * serializer, in interleaved rounds of one run, so that all three see the same machine.
 * Registers the schemas first. Rejects with RegistryUnavailable.
 */
export async function benchCodec(registryUrl = process.env['SCHEMA_REGISTRY_URL']): Promise<CodecRow[]> {
  if (!registryUrl) throw new Error("SCHEMA_REGISTRY_URL is not set: the registry's own serializer needs one")
  await registerSchemas(registryUrl)
  const codec = await connectCodec(registryUrl)
  const { type } = newestVersion('MessagePosted')
  const topic = topics.chatEvents

  const client = new SchemaRegistryClient({ baseURLs: [registryUrl] })
  const subject = { subjectNameStrategy: () => subjectOf(topic, 'MessagePosted') }
  const serializer = new AvroSerializer(client, SerdeType.VALUE, {
    ...subject,
    autoRegisterSchemas: false,
    useLatestVersion: true,
  })
  const deserializer = new AvroDeserializer(client, SerdeType.VALUE, subject)

  const bare = type.toBuffer(message)
  const framed = codec.encode(topic, 'MessagePosted', message)

  const contenders: Contender[] = [
    { name: 'encode, bare avsc', count: 30_000, run: repeat(() => type.toBuffer(message)) },
    {
      name: 'encode, codec',
      count: 30_000,
      run: repeat(() => codec.encode(topic, 'MessagePosted', message)),
    },
    {
      name: 'encode, registry serializer',
      count: 2_000,
      run: repeatAsync(() => serializer.serialize(topic.name, message)),
    },
    { name: 'decode, bare avsc', count: 30_000, run: repeat((): unknown => type.fromBuffer(bare)) },
    { name: 'decode, codec', count: 30_000, run: repeat(() => codec.decode(topic, framed)) },
    {
      name: 'decode, registry deserializer',
      count: 2_000,
      run: repeatAsync(() => deserializer.deserialize(topic.name, framed)),
    },
  ]

  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = -2; round < rounds; round++)
    for (const { name, count, run } of contenders) {
      const start = performance.now()
      await run(count)
      const seconds = (performance.now() - start) / 1000
      // The first two rounds only warm up.
      if (round >= 0) rates.get(name)?.push(count / seconds)
    }
  return contenders.map(({ name }) => ({ name, opsPerSecond: Math.round(median(rates.get(name) ?? [])) }))
}
