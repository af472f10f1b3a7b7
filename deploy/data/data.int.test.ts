import { randomUUID } from 'node:crypto'
import { connectCodec, toHeaders, topics, type Topic } from '@veza/contracts'
import { schemaIds, versionsOf } from '@veza/contracts/catalogue'
import { type ConsumedRecord, connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Command, UsageError } from '../ops/command.ts'
import { positionOf } from './arguments.ts'
import { describe as describeTopic } from './describe.ts'
import { type Line, linesOf } from './lines.ts'
import { sample, shares } from './sample.ts'
import { tail } from './tail.ts'

const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
const env = { KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: schemaRegistryUrl }
const topic = topics.mediaTranscode
const [one, other] = [randomUUID(), randomUUID()]
const startedAt = Date.now()
let kafka: Kafka

const run = async (command: Command, args: readonly string[], settings: object = env) => {
  const printed: string[] = []
  const print = (line: string) => void printed.push(line)
  const done = await command.run(args, { env: { ...settings }, print, warn: print })
  expect(done).toBe(true)
  return printed
}
const linesIn = (printed: readonly string[]) => printed.map((line) => JSON.parse(line) as Line)

/** Progress of two tracks, a tombstone, and bytes that are no record. */
beforeAll(async () => {
  const codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log: createLog('test', 'silent') })
  const type = 'TranscodeProgressed'
  const headers = toHeaders({ id: randomUUID(), type, source: '/test', time: startedAt })
  const progress = (trackId: string, percent: number) =>
    codec.encode(topic, type, {
      ...{ trackId, ownerId: other, recipe: 1, attempt: 1, percent, at: startedAt },
    })
  const values = [...[10, 20, 30].map((percent) => progress(one, percent)), null, Buffer.from('no record')]
  await kafka
    .producer()
    .sendAll([
      ...values.map((value) => ({ topic: topic.name, key: one, value, headers })),
      { topic: topic.name, key: other, value: progress(other, 99), headers },
    ])
})
afterAll(() => kafka.close())

it('tail shows what a topic holds, decoded, in order, also what is no record', async () => {
  const from = new Date(startedAt - 1_000).toISOString()
  const printed = await run(tail, [topic.name, '--key', one, '--from', from, '--to', 'end', '--headers'])
  const lines = linesIn(printed)
  const { partition = -1, offset = -1 } = lines[0] ?? {}
  expect(lines).toMatchObject([
    { offset, key: one, record: 'TranscodeProgressed', version: 1, value: { trackId: one, percent: 10 } },
    { offset: offset + 1, value: { percent: 20 } },
    { offset: offset + 2, value: { percent: 30 } },
    { offset: offset + 3, record: null, version: null, value: null },
    { offset: offset + 4, record: null, value: null, error: 'first byte is 110, not 0' },
  ])
  expect(lines.map((line) => line.partition)).toEqual(lines.map(() => partition))
  expect(lines[0]?.headers).toMatchObject({ ce_type: 'TranscodeProgressed', ce_source: '/test' })

  const some = await run(tail, [
    ...[topic.name, '--record', 'TranscodeProgressed', '--limit', '2'],
    ...['--from', `${partition}:${offset + 1}`],
  ])
  expect(linesIn(some).map((line) => line.offset)).toEqual([offset + 1, offset + 2])
})

it('sample draws from all that there is', async () => {
  const printed = await run(sample, [topic.name, '1000', '--record', 'TranscodeProgressed', '--from', '1h'])
  const seen = linesIn(printed).filter(({ key }) => key === one || key === other)
  expect(seen.map(({ key, value }) => [key, (value as { percent: number }).percent]).sort()).toEqual(
    [...[10, 20, 30].map((percent) => [one, percent]), [other, 99]].sort(),
  )
  expect(await run(sample, [topic.name, '2'])).toHaveLength(2)
})

it('describe says what a topic is and holds, and which there are', async () => {
  const printed = await run(describeTopic, [topics.usersEvents.name])
  const text = printed.join('\n')
  expect(text).toMatch(/^users\.events\.v1: What happened to profiles/)
  expect(text).toMatch(/^owner +users$/m)
  expect(text).toMatch(/^kept +for ever, cleanup delete$/m)
  expect(text).toMatch(/^partition +first +end +records$/m)
  expect(text).toMatch(/^ {2}profile +bytes +v1 +sealed +What others see/m)
  const all = await run(describeTopic, [])
  expect(all).toHaveLength(1 + Object.keys(topics).length)
})

it('shows what is sealed as sealed, older versions by their number, and dead letters as they are', async () => {
  const codec = await connectCodec(schemaRegistryUrl)
  const lineOf = async (of: Topic, value: Buffer) => {
    const record: ConsumedRecord = {
      ...{ topic: of.name, partition: 0, offset: 7, timestamp: startedAt, key: one, value },
      headers: { 'x-group': Buffer.from('test') },
    }
    return (await linesOf({ codec, ids: await schemaIds(schemaRegistryUrl, of) }, of, [record]))[0]
  }
  const value = { userId: one, profile: Buffer.alloc(57), createdAt: startedAt }
  const sealed = codec.encode(topics.usersEvents, 'ProfileCreated', value)
  expect(await lineOf(topics.usersEvents, sealed)).toMatchObject({
    ...{ record: 'ProfileCreated', version: 1, timestamp: new Date(startedAt).toISOString() },
    value: { userId: one, profile: 'sealed (57 bytes)', createdAt: startedAt },
  })

  const ids = await schemaIds(schemaRegistryUrl, topics.listeningEvents)
  const [first] = [...ids].find(([, { version }]) => version === 1) ?? []
  const header = Buffer.alloc(5)
  header.writeInt32BE(first ?? -1, 1)
  const report = {
    trackId: one,
    sessionId: one,
    listenerId: one,
    positionMs: 1,
    state: 'ended',
    reportedAt: 2,
  }
  const old = versionsOf('ListeningReported')[0]?.type.toBuffer(report) ?? Buffer.alloc(0)
  expect(await lineOf(topics.listeningEvents, Buffer.concat([header, old]))).toMatchObject({
    ...{ record: 'ListeningReported', version: 1, value: { ...report, durationMs: 0, ownerId: null } },
  })

  expect(await lineOf(topics.chatFanoutDeadLetters, Buffer.from([0, 1, 2]))).toMatchObject({
    ...{ record: null, value: 'AAEC', headers: { 'x-group': 'test' } },
  })
})

it('shares a sample among record types, the rare ones whole', () => {
  const kind = (name: string, length: number) => Array.from({ length }, (_, n) => `${name}${n}`)
  expect(shares(6, [kind('a', 100), kind('b', 1), kind('c', 100)])).toEqual([
    ...['b0', 'a0', 'a1', 'a2', 'c0', 'c1'],
  ])
  expect(shares(3, [kind('a', 2)])).toEqual(['a0', 'a1'])
})

it.each([
  [/^which topic\? There are: auth\.events\.v1, /, tail, []],
  [/^no topic chat\.event\.v1; there are: [^\n]+$/, tail, ['chat.event.v1']],
  [/^one topic, not also more$/, tail, [topic.name, 'more']],
  [/carries no Nothing; it carries: TranscodeProgressed$/, tail, [topic.name, '--record', 'Nothing']],
  [/^--from is none of beginning, end, a time/, tail, [topic.name, '--from', 'yesterday']],
  [/'--since'/, tail, [topic.name, '--since', '1h']],
  [/has partitions 0 to 5, no 99$/, tail, [topic.name, '--from', '99:1', '--to', 'end']],
  [/^N is no whole number from 1: many$/, sample, [topic.name, 'many']],
  [/^one topic, not also b$/, describeTopic, ['a', 'b']],
])('a call is told to be wrong: %s', async (message, command, args) => {
  const error = await run(command, args).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error).toMatchObject({ message: expect.stringMatching(message) as string })
})

it('says which setting is missing, and which part does not answer', async () => {
  await expect(run(tail, [topic.name], {})).rejects.toThrow('KAFKA_BROKERS is missing')
  await expect(run(describeTopic, [topic.name], { ...env, KAFKA_BROKERS: '127.0.0.1:1' })).rejects.toThrow(
    /^media\.transcode\.v1 at KAFKA_BROKERS \(127\.0\.0\.1:1\): [^\n]+$/,
  )
  await expect(
    run(tail, [topic.name], { ...env, SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' }),
  ).rejects.toThrow(/^SCHEMA_REGISTRY_URL: schema registry [^\n]+$/)
})

it('reads how long ago', () => {
  expect(positionOf('--from', '90m', 10_000_000)).toEqual({ kind: 'time', time: 4_600_000 })
  expect(positionOf('--from', '0:5,2:7')).toEqual({
    kind: 'offsets',
    offsets: new Map([
      [0, 5],
      [2, 7],
    ]),
  })
})
