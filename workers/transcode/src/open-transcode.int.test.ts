import { randomUUID } from 'node:crypto'
import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Codec,
  connectCodec,
  deadLetterTopic,
  type RecordOf,
  toHeaders,
  type Topic,
  topics,
} from '@veza/contracts'
import { readEnv } from '@veza/kit/env'
import { createHealth } from '@veza/kit/internal'
import { connectKafka, headerOf, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { freshGroup, freshTopic, infrastructure, testTelemetry } from '@veza/kit/testing'
import { type Job } from '@veza/tracks/store'
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { progressOf } from './news.ts'
import { openTranscode } from './open-transcode.ts'
import { transcodeEnvironment } from './settings.ts'
import { databaseGate } from './testing/database-gate.ts'
import { type JobsUnderTest, jobsUnderTest } from './testing/jobs-under-test.ts'

const log = createLog('test', 'silent')
const waiting = { timeout: 40_000, interval: 20 }
let veza: JobsUnderTest
let kafka: Kafka
let codec: Codec

beforeAll(async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  veza = await jobsUnderTest()
  codec = await connectCodec(schemaRegistryUrl)
  kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
})
afterEach(() => veza.rest())
afterAll(async () => {
  await kafka.close()
  await veza.close()
})

/** The worker, with topics and a group of its own. */
const open = async (settings: Record<string, string> = {}) => {
  const name = freshGroup('transcode')
  const source = await freshTopic({ prefix: 'tracks.events' })
  onTestFinished(() => source.drop())
  // Of this topic alone: one goes on asking for topics that are gone.
  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const dead = await freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') })
  onTestFinished(() => dead.drop())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  const health = createHealth()
  const fail = vi.fn()
  const worker = await openTranscode(
    readEnv(transcodeEnvironment, {
      OBJECTS_DIR: join(veza.dir, 'objects'),
      TRACKS_DATABASE_URL: veza.databaseUrl,
      ...settings,
    }),
    { kafka, codec, health, telemetry, log, fail },
    // Whatever is done within a test is done because the worker was woken.
    { name, topic: { ...topics.tracksEvents, name: source.name } as never, pollMs: 600_000 },
  )
  onTestFinished(async () => {
    await worker.stop()
    expect(fail).not.toHaveBeenCalled()
  })
  await vi.waitFor(async () => {
    expect(await health.readiness()).toEqual({})
  }, waiting)
  return {
    health,
    telemetry,
    happened: async ({ type, value }: RecordOf<typeof topics.tracksEvents>, id: string = randomUUID()) => {
      await producer.send({
        topic: source.name,
        key: 'track',
        value: codec.encode(topics.tracksEvents, type, value),
        headers: toHeaders({ id, type, source: '/test', time: 0 }),
      })
    },
  }
}

/** What is told from now on. */
const listen = async () => {
  const told: { id: string | undefined; key: string | null; type: string; value: Record<string, unknown> }[] =
    []
  const byName = new Map<string, Topic>(
    [topics.notifications, topics.mediaTranscode].map((topic) => [topic.name, topic]),
  )
  const reader = await kafka.consume({
    topics: [...byName.keys()],
    from: 'end',
    onRecords: (records) => {
      for (const record of records) {
        const topic = byName.get(record.topic)
        const read = topic && codec.decode(topic, record.value ?? Buffer.alloc(0))
        if (read && 'value' in read)
          told.push({
            ...{ id: headerOf(record, 'ce_id'), key: record.key, type: read.type },
            value: read.value as unknown as Record<string, unknown>,
          })
      }
    },
  })
  onTestFinished(() => reader.stop())
  return (type: string, key: string) => told.filter((each) => each.type === type && each.key === key)
}

const requested = (trackId: string, ownerId: string) => ({
  type: 'TranscodeRequested' as const,
  value: { trackId, ownerId, source: 'x', recipe: 1, priority: 'upload', requestedAt: 0 },
})
const stream = { media: 'media/x', recipe: 1, durationMs: 1, loudness: null, truePeak: null, gain: 0 }

it('makes a stream as soon as one is asked for, and tells its owner how far it is and what came of it', async () => {
  const told = await listen()
  const { happened, telemetry } = await open({ TRANSCODE_CONCURRENCY: '2' })
  const trackId = await veza.upload()
  const { userId: ownerId } = await veza.ownerOf(trackId)
  await happened(requested(trackId, ownerId))
  await vi.waitFor(async () => {
    expect(await veza.job(trackId)).toMatchObject({ state: 'done' })
  }, waiting)

  const about = { trackId, ownerId }
  const madeReady = (readyAt: number, again: boolean) =>
    ({ type: 'TrackReady', value: { ...about, ...stream, readyAt, again } }) as const
  const failed = (code: string, failedAt: number, again: boolean) =>
    ({ type: 'TrackFailed', value: { ...about, code, failedAt, again } }) as const
  // Told twice, it is the same piece of news.
  const id = randomUUID()
  for (let time = 0; time < 2; time++) await happened(madeReady(7, false), id)
  // Of what is made anew, and of whatever else happens, nobody is told.
  await happened(madeReady(8, true))
  await happened(failed('corrupt', 8, true))
  await happened({
    type: 'TrackVisibilityChanged',
    value: { ...about, visibility: 'private', changedAt: 8 },
  })
  await happened(failed('too-long', 9, false))
  await vi.waitFor(() => {
    expect(told('TrackNews', ownerId).at(-1)?.value).toMatchObject({ status: 'failed' })
    expect(told('TranscodeProgressed', trackId)).not.toEqual([])
  }, waiting)

  const news = told('TrackNews', ownerId)
  const user = { userId: ownerId, trackId }
  // How far it is when it is first told depends on how far ffmpeg gets before it first says so.
  const percent = told('TranscodeProgressed', trackId)[0]?.value['percent']
  expect(percent).toBeLessThan(100)
  expect(news[0]?.value).toMatchObject({ ...user, status: 'processing', percent, code: null })
  const outcomes = news.filter(({ value }) => value['status'] !== 'processing')
  const ready = { ...user, status: 'ready', percent: 100, code: null, at: 7 }
  expect(outcomes.map(({ value }) => value)).toEqual([
    ...[ready, ready],
    { ...user, status: 'failed', percent: 100, code: 'too-long', at: 9 },
  ])
  expect(outcomes[0]?.id).toBe(outcomes[1]?.id)
  expect(told('TranscodeProgressed', trackId)[0]?.value).toMatchObject({ trackId, attempt: 1 })
  const metrics = await telemetry.metrics()
  expect(metrics).toMatch(/^transcode_jobs_settled_total\{[^}]*outcome="made"[^}]*\} 1$/m)
  expect(metrics).toMatch(/^transcode_jobs_waiting\S* 0$/m)
})

it('is not ready while its database or its store is away, says which, and is ready again after that', async () => {
  const gate = await databaseGate(veza.databaseUrl)
  onTestFinished(() => gate.shut())
  const { health, happened, telemetry } = await open({ TRACKS_DATABASE_URL: gate.url })
  await gate.shut()
  await happened(requested(randomUUID(), randomUUID()))
  await vi.waitFor(async () => {
    expect(await health.readiness()).toEqual({ jobs: expect.any(String) as string })
  }, waiting)
  // How many wait is unknown, which is not none.
  expect(await telemetry.metrics()).not.toContain('transcode_jobs_waiting')
  await gate.open()
  const trackId = await veza.upload()
  const { userId: ownerId } = await veza.ownerOf(trackId)
  await vi.waitFor(
    async () => {
      await happened(requested(trackId, ownerId))
      expect(await veza.job(trackId)).toMatchObject({ state: 'done' })
    },
    { ...waiting, interval: 250 },
  )

  const [folder, elsewhere] = [join(veza.dir, 'objects'), join(veza.dir, 'elsewhere')]
  await rename(folder, elsewhere)
  await writeFile(folder, '')
  expect(await health.readiness()).toEqual({ objects: expect.any(String) as string })
  await rename(folder, join(veza.dir, 'no-folder'))
  await rename(elsewhere, folder)
  expect(await health.readiness()).toEqual({})
})

it('sweeps the store when it starts', async () => {
  const address = `sources/${'ab'.repeat(32)}`
  const long = new Date(Date.now() - 48 * 60 * 60 * 1000)
  await veza.objects.put(address, Buffer.from('x'), 'application/octet-stream')
  await utimes(join(veza.dir, 'objects', address), long, long)
  await veza.db.insertInto('unused_objects').values({ address, since: long }).execute()
  await open()
  await vi.waitFor(async () => {
    expect(await veza.objects.head(address)).toBeUndefined()
  }, waiting)
})

it('tells no more than one step a second, none twice, never the end, and goes on without Kafka', async () => {
  const told = await listen()
  let time = 1_000
  const sending = kafka.producer()
  const job = { trackId: randomUUID(), ownerId: randomUUID(), attempt: 2, source: 'x', recipe: 1, fence: 1 }
  const progress = (of: Job) => progressOf({ codec, producer: sending, now: () => new Date(time) })(of)
  const steps = [
    [0, 0.1],
    [999, 0.2],
    [1, 0.3],
    [5_000, 0.309],
    [1, 1],
  ] as const
  for (const priority of ['catalogue', 'upload'] as const) {
    const tell = progress({ ...job, priority })
    for (const [later, share] of steps) {
      time += later
      tell(share)
    }
  }
  const percents = (type: string, key: string) => told(type, key).map(({ value }) => value['percent'])
  await vi.waitFor(() => {
    expect(percents('TranscodeProgressed', job.trackId)).toEqual([10, 30, 99, 10, 30, 99])
    // To its owner a track that is made anew is ready all the time.
    expect(percents('TrackNews', job.ownerId)).toEqual([10, 30, 99])
  }, waiting)
  await sending.close()
  const rejected = vi.spyOn(sending, 'sendAll')
  progress({ ...job, priority: 'upload' })(0.5)
  await expect(rejected.mock.results[0]?.value).rejects.toThrow()
})
