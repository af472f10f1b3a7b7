import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Veza } from '@veza/deploy/launcher'
import { makeAudio } from '@veza/kit/testing'
import { startOwnVeza } from '../stack/veza.ts'
import { inParallel, type Person, register, request } from '../support/api.ts'
import { readTrack, startPlayback, uploadTrack } from '../support/audio.ts'
import { seeded } from '../support/random.ts'
import { watch } from './measure.ts'
import { agent, get, type Heard, listen, segmentsOf } from './listener.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { cpuWithReaped } from './processes.ts'
import { rounded, say, table, writeResult } from './output.ts'

/** What is asked of the bench of listeners. */
export interface ListenersBench {
  readonly listeners: number
  readonly seconds: number
  /** Whether to go on with more and more listeners until somebody has to wait. */
  readonly findMax: boolean
}

const tracks = 4
const people = 40
const rendition = '160k'
const reportEveryMs = 10_000
/** Listeners begin within so long, ms: a thousand at one moment are nobody's evening. */
const arrivalMs = 10_000
const seed = 20_261_124

/** Somebody's playback. */
interface Seat {
  readonly person: Person
  readonly master: string
  readonly sessionId: string
}

const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0)
}

const nobody = (): Heard => ({ segments: [], starts: [], underruns: [], failed: 0, bytes: 0 })

/** Tells how far it has come every ten seconds, as players do. @returns how to stop it */
const report = (http: string, { person, sessionId }: Seat, heard: Heard): (() => void) => {
  const began = performance.now()
  const timer = setInterval(() => {
    const body = { sessionId, position: (performance.now() - began) / 1000, state: 'playing' }
    request(http, 'POST', '/v1/listening', { token: person.token, body }).then(
      ({ status }) => {
        if (status !== 202) heard.failed++
      },
      () => heard.failed++,
    )
  }, reportEveryMs)
  return () => {
    clearInterval(timer)
  }
}

const audience = async (
  seats: readonly Seat[],
  o: { seconds: number; url: (seat: Seat) => string; reportTo?: string },
): Promise<Heard> => {
  const random = seeded(seed)
  const heard = nobody()
  const until = performance.now() + 1000 * o.seconds
  await Promise.all(
    seats.map(async (seat) => {
      await delay(random() * Math.min(arrivalMs, 250 * o.seconds))
      const stop = o.reportTo === undefined ? undefined : report(o.reportTo, seat, heard)
      await listen(o.url(seat), { rendition, until, heard })
      stop?.()
    }),
  )
  return heard
}

const rowOf = (who: string, heard: Heard, seconds: number) => ({
  who,
  segments: heard.segments.length,
  mibPerSecond: rounded(heard.bytes / 2 ** 20 / seconds),
  failed: heard.failed,
  underruns: heard.underruns.length,
  p50: quantile(heard.segments, 0.5),
  p99: quantile(heard.segments, 0.99),
  max: quantile(heard.segments, 1),
  startP99: quantile(heard.starts, 0.99),
})

const printRows = (rows: readonly ReturnType<typeof rowOf>[]): void => {
  table(
    ['from', 'segments', 'MiB/s', 'failed', 'underruns', 'p50 ms', 'p99 ms', 'max ms', 'first sound p99 ms'],
    rows.map((row) => [
      ...[row.who, row.segments, row.mibPerSecond, row.failed, row.underruns],
      ...[row.p50, row.p99, row.max, row.startP99],
    ]),
  )
}

/** Segments one after the other over some connections, as fast as they come: what a core of the server gives. */
const saturate = async (urls: readonly string[], pids: readonly number[], seconds: number) => {
  const cpu = () => pids.reduce((sum, pid) => sum + cpuWithReaped(pid), 0)
  const [began, before] = [performance.now(), cpu()]
  let requests = 0
  await Promise.all(
    Array.from({ length: 16 }, async (_, worker) => {
      for (let n = worker; performance.now() - began < 1000 * seconds; n += 16, requests++)
        await get(urls[n % urls.length] ?? '')
    }),
  )
  const took = (performance.now() - began) / 1000
  return {
    perSecond: Math.round(requests / took),
    perSecondACore: Math.round(requests / Math.max(0.01, cpu() - before)),
  }
}

const makeTracks = async (veza: Veza, ann: Person, seconds: number): Promise<string[]> => {
  const { http } = veza.endpoints
  const dir = await mkdtemp(join(tmpdir(), 'veza-bench-'))
  try {
    const ids = []
    for (let nth = 0; nth < tracks; nth++)
      ids.push(
        await uploadTrack(http, ann, await makeAudio(dir, `${nth}.flac`, { seconds, volume: -20 - nth })),
      )
    for (const id of ids) while ((await readTrack(http, ann, id)).status === 'processing') await delay(200)
    return ids
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Playbacks of a few people, who hear each track many times over. */
const seatsOf = (
  http: string,
  { persons, trackIds }: { persons: readonly Person[]; trackIds: readonly string[] },
  count: number,
): Promise<Seat[]> =>
  inParallel(8, Array.from({ length: count }), async (_, n) => {
    const person = persons[n % people] as Person
    const { hlsUrl, sessionId } = await startPlayback(http, person, trackIds[n % tracks] ?? '')
    return { person, master: hlsUrl, sessionId }
  })

/** @returns whether nobody had to wait and nothing failed */
export const benchListeners = async ({ listeners, seconds, findMax }: ListenersBench): Promise<boolean> => {
  const settings = { ATTEMPTS_PER_ADDRESS: '1000000', TRANSCODE_CONCURRENCY: '2' }
  const veza = await startOwnVeza('bench', settings)
  let nginx: Nginx | undefined
  try {
    const { http } = veza.endpoints
    const ann = await register(http, 'Ann', { email: 'ann@example.org' })
    say(`making ${tracks} tracks of ${seconds + 40} s`)
    const trackIds = await makeTracks(veza, ann, seconds + 40)
    const pool = new pg.Pool({ connectionString: veza.stack.databaseUrls.tracks, max: 1 })
    const { rows: media } = await pool.query<{ id: string; media: string }>('select id, media from tracks')
    await pool.end()
    const behind = await veza.another('http', { STREAMS_ACCEL_PREFIX: '/objects/' })
    const [firstPid, behindPid] = [veza.processes.http.pid, behind.child.pid]
    if (firstPid === undefined || behindPid === undefined || behind.port === undefined)
      throw new Error('http does not run')
    nginx = await startNginx(
      { objects: `${veza.stack.audioFolder}/objects`, behind: `http://127.0.0.1:${behind.port}` },
      say,
    )
    const persons = await inParallel(4, Array.from({ length: people }), (_, n) =>
      register(http, `Listener ${n}`, { email: `listener-${n}@example.org` }),
    )
    const house = { persons, trackIds }
    const seats = await seatsOf(http, house, listeners)
    const at = new Map(seats.map((seat, n) => [seat, trackIds[n % tracks] ?? '']))
    const plain = (seat: Seat): string =>
      `${String(nginx?.url)}/${media.find(({ id }) => id === at.get(seat))?.media ?? ''}/master.m3u8`
    const handedOver = ({ master }: Seat): string => `${String(nginx?.url)}${new URL(master).pathname}`

    const usage = watch(veza)
    const rows = [
      rowOf(
        'streams',
        await audience(seats, { seconds, url: ({ master }) => master, reportTo: http }),
        seconds,
      ),
    ]
    const processes = usage.stop()
    const short = Math.min(seconds, 20)
    rows.push(
      rowOf('streams behind nginx', await audience(seats, { seconds: short, url: handedOver }), short),
      rowOf('nginx alone', await audience(seats, { seconds: short, url: plain }), short),
    )
    say(`\n${listeners} listeners in real time, ${seconds} s from streams, ${short} s each from the others`)
    printRows(rows)
    table(
      ['process', 'CPU %', 'peak MiB'],
      processes
        .filter(({ cpuSeconds }) => cpuSeconds >= 0.5)
        .map(({ name, cpuSeconds, peakRssMiB }) => [
          ...[name, rounded((100 * cpuSeconds) / seconds), peakRssMiB],
        ]),
    )

    const segmentUrls = async (url: (seat: Seat) => string): Promise<string[]> =>
      (
        await Promise.all(
          seats.slice(0, 40).map(async (seat) => {
            const index = url(seat).replace('master.m3u8', `${rendition}/index.m3u8`)
            return segmentsOf((await get(index, 'text')).text).segments.map(
              ({ uri }) => new URL(uri, index).href,
            )
          }),
        )
      ).flat()
    const saturation = []
    for (const [who, url, pids] of [
      ['streams', ({ master }: Seat) => master, [firstPid]],
      ['streams behind nginx', handedOver, [behindPid, nginx.pid]],
      ['nginx alone', plain, [nginx.pid]],
    ] as const)
      saturation.push({ who, ...(await saturate(await segmentUrls(url), pids, 5)) })
    say('\nsegments as fast as they come, 16 connections')
    table(
      ['from', 'segments/s', 'segments/s a core of the server'],
      saturation.map(({ who, perSecond, perSecondACore }) => [who, perSecond, perSecondACore]),
    )

    const most = []
    for (let more = listeners * 1.5; findMax; more *= 1.5) {
      say(`${Math.round(more)} listeners`)
      const crowd = await seatsOf(http, house, Math.round(more))
      const row = rowOf(
        `streams, ${crowd.length}`,
        await audience(crowd, { seconds: short, url: ({ master }) => master, reportTo: http }),
        short,
      )
      most.push(row)
      if (row.underruns + row.failed > 0 || row.p99 > 1_000) break
    }
    if (most.length > 0) printRows(most)
    writeResult('listeners', { listeners, seconds, rows, processes, saturation, most })
    return rows[0] !== undefined && rows[0].underruns + rows[0].failed === 0
  } finally {
    agent.destroy()
    await nginx?.stop()
    await veza.stop()
  }
}
