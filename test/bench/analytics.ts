import { once } from 'node:events'
import { type Codec, connectCodec, toHeaders, topics } from '@veza/contracts'
import { provision, startInfrastructure } from '@veza/deploy/launcher'
import { connectKafka, type Kafka, type OutgoingRecord } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import pg from 'pg'
import { programsDir, temporaryDataDir } from '../stack/data-dir.ts'
import { startEntry } from './entry.ts'
import { rounded, say, table, writeResult } from './output.ts'
import { watchProcesses } from './processes.ts'

/** What is asked of the analytics bench. */
export interface AnalyticsBench {
  /** Reports that lie in the topic before the worker starts. */
  readonly reports: number
}

const tracks = 2_000
/**
 * Who listens at the same time: at ten seconds between reports a tenth of them report in a second. Where there are few
 * reports there are fewer, so that each of them comes to a play.
 */
const listenersOf = (reports: number): number => Math.min(200_000, Math.ceil(reports / 10))
/** Reports a second that one core must count. */
const bound = 20_000
const pauseMs = 100

const uuid = (kind: number, n: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/**
 * Listeners who each report every ten seconds and hear a track of three minutes after the other, all at the same time, so
 * that a report is of another listener than the one before. A few tracks are heard by many.
 */
const produce = async (kafka: Kafka, codec: Codec, reports: number): Promise<void> => {
  const listeners = listenersOf(reports)
  const producer = kafka.producer({ maxQueuedRecords: 200_000, maxQueuedBytes: 256 * 1024 * 1024 })
  const began = Date.now() - Math.ceil(reports / listeners) * 10_000
  let batch: OutgoingRecord[] = []
  for (let n = 0; n < reports; n++) {
    const [listener, round] = [n % listeners, Math.floor(n / listeners)]
    const [nth, position] = [Math.floor(round / 18), (round % 18) * 10]
    const track = Math.floor(tracks * (((listener * 7 + nth * 13) % tracks) / tracks) ** 2)
    const startedAt = began + nth * 180_000 + (listener % 10_000)
    const time = startedAt.toString(16).padStart(12, '0')
    const at = startedAt + position * 1_000
    const value = codec.encode(topics.listeningEvents, 'ListeningReported', {
      ...{ trackId: uuid(1, track), listenerId: uuid(2, listener), ownerId: uuid(3, track % 100) },
      sessionId: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${listener.toString(16).padStart(12, '0')}`,
      ...{ positionMs: position * 1_000, state: 'playing', reportedAt: at, durationMs: 180_000 },
      addressTag: uuid(4, listener % 150_000),
    })
    const headers = toHeaders({ id: uuid(5, n), type: 'ListeningReported', source: '/streams', time: at })
    batch.push({ topic: topics.listeningEvents.name, key: uuid(1, track), value, headers })
    if (batch.length < 20_000) continue
    await producer.sendAll(batch)
    batch = []
  }
  await producer.sendAll(batch)
  await producer.close()
}

/**
 * The worker that counts, as a process of its own on parts of its own: how fast it takes a topic that was written before,
 * with all results in PostgreSQL; then the recount of the same.
 *
 * @returns whether the bound was reached on one core
 */
export const benchAnalytics = async ({ reports }: AnalyticsBench): Promise<boolean> => {
  const dataDir = temporaryDataDir()
  const infrastructure = await startInfrastructure({
    ...{ dataDir: dataDir.path, programsDir, ports: 'random', progress: say },
  })
  const closers: (() => Promise<unknown>)[] = []
  try {
    const { kafkaBrokers, registryUrl, databaseUrl, secrets } = infrastructure
    const urls = await provision({
      ...{ kafkaBrokers, registryUrl, databaseUrl, secrets },
      ...{ env: {}, progress: say },
    })
    const log = createLog('bench', 'warn')
    const kafka = connectKafka(kafkaBrokers.split(','), { clientId: 'bench', log })
    closers.unshift(() => kafka.close())
    const database = new pg.Client({ connectionString: urls.streams })
    await database.connect()
    closers.unshift(() => database.end())
    say(`${reports} reports of ${listenersOf(reports)} listeners and ${tracks} tracks are written first`)
    await produce(kafka, await connectCodec(registryUrl), reports)

    const env = {
      ...{ KAFKA_BROKERS: kafkaBrokers, SCHEMA_REGISTRY_URL: registryUrl },
      ...{ STREAMS_DATABASE_URL: urls.streams, INTERNAL_PORT: '0' },
    }
    const watch = (name: string, pid: () => number | undefined) =>
      watchProcesses([
        { name, pid },
        ...Object.entries(infrastructure.children).map(([program, child]) => ({
          ...{ name: program, pid: () => child.pid, withChildren: program === 'postgres' },
        })),
      ])
    const counted = async (): Promise<number> => {
      const { rows } = await database.query<{ n: string }>(
        'select coalesce(sum(next_offset), 0) as n from analytics.projected_checkpoints',
      )
      return Number(rows[0]?.n ?? 0)
    }
    const worker = startEntry('workers/analytics/src/main.ts', [], env)
    const ofWorker = watch('analytics', () => worker.pid)
    let began = 0
    while ((await counted()) === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const before = await counted()
    began = performance.now()
    let done = before
    while (done < reports) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      done = await counted()
    }
    const seconds = (performance.now() - began) / 1_000
    const usage = ofWorker.stop()
    worker.kill('SIGTERM')
    await once(worker, 'exit')
    const rate = (done - before) / seconds
    const { rows: sums } = await database.query<Record<string, string>>(
      `select sum(plays) as plays, sum(seconds) as seconds, sum(impossible + overlapping + burst) as apart,
        (select count(*) from analytics.hearings) as hearings from analytics.track_days`,
    )
    say(`\ncounted: ${rounded(rate, 0)} reports a second; ${JSON.stringify(sums[0])}`)
    const print = (rows: typeof usage): void => {
      table(
        ['process', 'CPU s', 'peak RSS MiB'],
        rows
          .filter(({ cpuSeconds }) => cpuSeconds >= 0.1)
          .map(({ name, cpuSeconds, peakRssMiB }) => [name, rounded(cpuSeconds, 2), peakRssMiB]),
      )
    }
    print(usage)
    const own = usage.find(({ name }) => name === 'analytics')?.cpuSeconds ?? 0
    const ofCore = reports / own
    say(`of one core: ${rounded(ofCore, 0)} reports a second of its time`)

    const replay = startEntry('deploy/ops/main.ts', ['replay', 'analytics'], env)
    const ofReplay = watch('replay', () => replay.pid)
    let output = ''
    replay.stdout?.on('data', (data: Buffer) => (output += data.toString()))
    const [code] = (await once(replay, 'close')) as [number | null]
    const replayUsage = ofReplay.stop()
    const [, records, took] = /swapped after (\d+) records, ([\d.]+) s/.exec(output) ?? []
    if (code !== 0 || records === undefined)
      throw new Error(`the replay ended with ${code ?? 'a signal'}: ${output}`)
    const replayRate = Number(records) / Number(took)
    say(`\nrecounted: ${records} reports in ${took} s, ${rounded(replayRate, 0)} a second`)
    print(replayUsage)
    writeResult('analytics', {
      ...{
        reports,
        tracks,
        listeners: listenersOf(reports),
        rate,
        ofCore,
        usage,
        sums: sums[0],
        replayRate,
        replayUsage,
      },
    })
    return rate >= bound && ofCore >= bound
  } finally {
    for (const close of closers) await close()
    await infrastructure.stop()
    dataDir.remove()
  }
}
