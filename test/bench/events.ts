import { once } from 'node:events'
import { connectCodec } from '@veza/contracts'
import { provision, startInfrastructure } from '@veza/deploy/launcher'
import { eventStore } from '@veza/kit/events'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openUsersStore, usersTopic } from '@veza/users/store'
import { programsDir, temporaryDataDir } from '../stack/data-dir.ts'
import { startEntry } from './entry.ts'
import { type Delays, startEventLoad } from './event-load.ts'
import { rounded, say, table, writeResult } from './output.ts'
import { type ProcessUsage, watchProcesses } from './processes.ts'

/** What is asked of the events bench. */
export interface EventsBench {
  /** Single-event appends a second, of all writers together. */
  readonly rate: number
  /** Of the measurement at that rate, after a warm-up. */
  readonly seconds: number
  /** Appended in batches, as fast as it goes. */
  readonly batchEvents: number
}

const writers = 16
const people = 1_600
const warmupSeconds = 10
const batch = 100
/** Commit to consumer, p99, ms: what single appends must stay below. */
const boundMs = 100

const delays = (name: string, { p50, p95, p99, max }: Delays) => [
  name,
  ...[p50, p95, p99, max].map((value) => rounded(value)),
]

const printUsage = (usage: readonly ProcessUsage[]): void => {
  const busy = usage.filter(({ cpuSeconds }) => cpuSeconds >= 0.1)
  table(
    ['process', 'CPU s', 'peak RSS MiB'],
    busy.map(({ name, cpuSeconds, peakRssMiB }) => [name, rounded(cpuSeconds, 2), peakRssMiB]),
  )
}

/**
 * The event store of users, the relay and the replay of users' views, on parts of its own: single appends at a rate,
 * batches as fast as they go, then everything that was written replayed.
 *
 * @returns whether the rate was held within the bound
 */
export const benchEvents = async ({ rate, seconds, batchEvents }: EventsBench): Promise<boolean> => {
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
    const env = {
      KAFKA_BROKERS: kafkaBrokers,
      SCHEMA_REGISTRY_URL: registryUrl,
      AUTH_DATABASE_URL: urls.auth,
      CHAT_DATABASE_URL: urls.chat,
      USERS_DATABASE_URL: urls.users,
      TRACKS_DATABASE_URL: urls.tracks,
      KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
    }
    const relay = startEntry('workers/outbox-relay/src/main.ts', [], { ...env, INTERNAL_PORT: '0' })
    closers.unshift(async () => {
      relay.kill('SIGTERM')
      await once(relay, 'exit')
    })
    const log = createLog('bench', 'warn')
    const codec = await connectCodec(registryUrl)
    const users = openUsersStore(
      {
        KEY_ENCRYPTION_KEY: Buffer.from(secrets.keyEncryptionKey, 'base64'),
        KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
        VAULT_ADDR: undefined,
        VAULT_TOKEN: undefined,
        VAULT_TRANSIT_MOUNT: 'transit',
        VAULT_TRANSIT_KEY: 'veza',
        USERS_DATABASE_URL: urls.users,
      },
      { name: 'bench', poolSize: writers, codec, log },
    )
    closers.unshift(() => users.close())
    const kafka = connectKafka(kafkaBrokers.split(','), { clientId: 'bench', log })
    closers.unshift(() => kafka.close())
    const store = eventStore({ topic: usersTopic, codec })

    const watch = (more: readonly { name: string; pid: () => number | undefined }[] = []) =>
      watchProcesses([
        { name: 'outbox-relay', pid: () => relay.pid },
        ...Object.entries(infrastructure.children).map(([name, child]) => ({
          ...{ name, pid: () => child.pid, withChildren: name === 'postgres' },
        })),
        { name: 'writers and consumer', pid: () => process.pid },
        ...more,
      ])

    say(`${people} people sign up; warming up for ${warmupSeconds} s`)
    const load = await startEventLoad(users, store, kafka, people)
    await load.steady({ rate, writers, seconds: warmupSeconds })
    const ofSteady = watch()
    const steady = await load.steady({ rate, writers, seconds })
    const steadyUsage = ofSteady.stop()
    say(`\n${rate} single-event appends a second by ${writers} writers, for ${seconds} s`)
    table(
      ['ms', 'p50', 'p95', 'p99', 'max'],
      [delays('append: due to committed', steady.append), delays('relay: committed to seen', steady.behind)],
    )
    say(`seen more than once: ${steady.repeated}`)
    printUsage(steadyUsage)

    const ofBatches = watch()
    const began = performance.now()
    const appendRate = await load.batches({ events: batchEvents, batch, writers: 4 })
    await load.settle()
    const relayRate = (batchEvents * 1000) / (performance.now() - began)
    const batchUsage = ofBatches.stop()
    say(`\n${batchEvents} events in appends of ${batch} by 4 writers`)
    say(
      `appended: ${rounded(appendRate, 0)} a second; appended, relayed and seen: ${rounded(relayRate, 0)} a second`,
    )
    printUsage(batchUsage)

    const replay = startEntry('deploy/ops/main.ts', ['replay', 'users-views'], env)
    const ofReplay = watch([{ name: 'replay', pid: () => replay.pid }])
    let output = ''
    replay.stdout?.on('data', (data: Buffer) => (output += data.toString()))
    const [code] = (await once(replay, 'close')) as [number | null]
    const replayUsage = ofReplay.stop()
    const [, records, took] = /swapped after (\d+) records, ([\d.]+) s/.exec(output) ?? []
    if (code !== 0 || records === undefined)
      throw new Error(`the replay ended with ${code ?? 'a signal'}: ${output}`)
    const replayRate = Number(records) / Number(took)
    say(`\nreplay of users-views: ${records} events in ${took} s, ${rounded(replayRate, 0)} a second`)
    printUsage(replayUsage)

    writeResult('events', {
      ...{ rate, seconds, writers, people, steady, steadyUsage },
      ...{ batchEvents, batch, appendRate, relayRate, batchUsage, replayRate, replayUsage },
    })
    return steady.behind.p99 < boundMs
  } finally {
    for (const close of closers) await close()
    await infrastructure.stop()
    dataDir.remove()
  }
}
