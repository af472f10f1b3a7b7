import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { connectCodec, type ListeningReported, toHeaders, topics } from '@veza/contracts'
import { connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafkaTools } from '../interop/kafka-tools.ts'
import { pythonWith } from '../interop/python.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/data.md'), 'utf8')
const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
const out = mkdtempSync(join(tmpdir(), 'veza-data-'))
const env = {
  ...process.env,
  ...{ KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: schemaRegistryUrl },
  PATH: process.env['PATH'],
  ...{ OUT: out, MPLCONFIGDIR: join(out, 'matplotlib') },
}
const hour = 3_600_000
const startedAt = Date.UTC(2026, 10, 23, 10)
const trackId = randomUUID()
/** Three who hear a track for 40 seconds, two of them in the hour after. */
const listeners = [0, 1, 1].map((hours) => ({ id: randomUUID(), at: startedAt + hours * hour }))
const kafka: Kafka = connectKafka(kafkaBrokers, { clientId: 'test', log: createLog('test', 'silent') })
let python: string

const say = (line: string) => {
  process.stderr.write(`data: ${line}\n`)
}

/** The example of a language below a heading. */
const exampleOf = (heading: string, language: string): string => {
  const section = text.split(/^### /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const found = new RegExp(String.raw`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(section)?.[1]
  if (found === undefined) throw new Error(`there is no such example below ${heading}`)
  return found
}

const lines = async (program: string, args: readonly string[]): Promise<string[]> => {
  const { stdout } = await run(program, args, {
    cwd: root,
    env,
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.trim().split('\n')
}

/** On Debian and Ubuntu, as root, kcat is installed where it is missing. */
const ensureKcat = async (): Promise<void> => {
  try {
    await run('kcat', ['-V'])
  } catch {
    say('installing kcat with apt-get')
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
    await run('apt-get', ['update', '-q'], options)
    await run('apt-get', ['install', '-qy', '--no-install-recommends', 'kcat'], options)
  }
}

beforeAll(async () => {
  const packages = {
    ...{ 'confluent-kafka[avro,schemaregistry]': '2.16.1', duckdb: '1.5.6', matplotlib: '3.11.2' },
  }
  python = await pythonWith('data', packages, ['confluent_kafka', 'duckdb', 'matplotlib'], say)
  await ensureKcat()
  env.PATH = `${await kafkaTools(join(out, 'bin'), say)}:${process.env['PATH'] ?? ''}`
  const codec = await connectCodec(schemaRegistryUrl)
  const reports = listeners.flatMap(({ id, at }) =>
    [0, 10, 20, 30, 40].map((second): ListeningReported => ({
      ...{ trackId, listenerId: id, sessionId: randomUUID(), positionMs: second * 1_000, state: 'playing' },
      ...{ reportedAt: at + second * 1_000, durationMs: 60_000, ownerId: null, addressTag: null },
    })),
  )
  const type = 'ListeningReported'
  await kafka.producer().sendAll(
    reports.map((report) => ({
      ...{ topic: topics.listeningEvents.name, key: trackId },
      value: codec.encode(topics.listeningEvents, type, report),
      headers: toHeaders({ id: randomUUID(), type, source: '/test', time: report.reportedAt }),
    })),
  )
}, 300_000)
afterAll(async () => {
  await kafka.close()
  rmSync(out, { recursive: true, force: true })
})

const seconds = [0, 10, 20, 30, 40]

// Side by side: each waits for a program of its own to load, or for nothing more to come.
describe.concurrent('docs/data.md', { timeout: 180_000 }, () => {
  it("Confluent's Python client reads our topic with its own deserializer", async () => {
    const read = await lines(python, ['-c', exampleOf('Python', 'python')])
    const wanted = listeners.flatMap(({ at }) =>
      seconds.map((second) => {
        const time = new Date(at + second * 1_000).toISOString().replace('.000Z', '+00:00')
        return `ListeningReported ${trackId} ${second * 1_000} ${time}`
      }),
    )
    expect(read.filter((line) => line.includes(trackId)).sort()).toEqual(wanted.sort())
  })

  it('kcat shows where records are, and what their headers say', async () => {
    const read = await lines('sh', ['-c', exampleOf('kcat', 'sh')])
    const own = read.filter((line) => line.includes(` ${trackId} `))
    expect(own).toHaveLength(listeners.length * seconds.length)
    expect(own[0]).toMatch(
      /^\d \d+ [0-9a-f-]{36} \d+ ce_specversion=1\.0,ce_id=[0-9a-f-]{36},ce_type=ListeningReported,/,
    )
  })

  it("Kafka's own command-line tools show where partitions end, and what headers say", async () => {
    const read = await lines('sh', ['-c', exampleOf("Kafka's command-line tools", 'sh')])
    const ends = new Map(
      read.flatMap((line) => {
        const [, partition, end] = /^listening\.events\.v1:(\d+):(\d+)$/.exec(line) ?? []
        return partition === undefined ? [] : [[Number(partition), Number(end)] as const]
      }),
    )
    expect([...ends.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5])
    const own = read.filter((line) => line.endsWith(`\t${trackId}`))
    expect(own).toHaveLength(listeners.length * seconds.length)
    const [, partition, offset] =
      /^CreateTime:\d+\tPartition:(\d)\tOffset:(\d+)\tce_specversion:1\.0,ce_id:[0-9a-f-]{36},ce_type:ListeningReported,/.exec(
        own.at(-1) ?? '',
      ) ?? []
    expect(Number(offset)).toBeLessThan(ends.get(Number(partition)) ?? 0)
  })

  it('an export, SQL over it, and a plot of plays by hour', async () => {
    await lines('sh', ['-c', exampleOf('SQL, and plays by hour', 'sh')])
    // What other tests wrote to the topic is of other hours, or there too.
    const plays = await lines(python, ['-c', exampleOf('SQL, and plays by hour', 'python')])
    const byHour = new Map(plays.map((line) => line.split(' ') as [string, string]))
    expect(Number(byHour.get('2026-11-23T10:00:00'))).toBeGreaterThanOrEqual(1)
    expect(Number(byHour.get('2026-11-23T11:00:00'))).toBeGreaterThanOrEqual(2)
    expect(existsSync(join(out, 'plays-by-hour.png'))).toBe(true)
  })
})
