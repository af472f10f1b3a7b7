import { setTimeout as delay } from 'node:timers/promises'
import { channels } from '@veza/contracts'
import { type Veza } from '@veza/deploy/launcher'
import { liftedLimits } from '../load/crowd.ts'
import { startGenerator } from '../load/generator.ts'
import { brokenPromises, type Latency, type LoadReport } from '../load/plan.ts'
import { startOwnVeza } from '../stack/veza.ts'
import { gatherAudience, type Seat } from './audience.ts'
import { type Guests, inviteGuests } from './guests.ts'
import { startHelper } from './helper.ts'
import { debuggerOption, freeDebuggerPort, inspect } from './inspector.ts'
import { rounded, say, table, writeResult } from './output.ts'

/** What is asked of the sockets bench. */
export interface SocketsBench {
  readonly sockets: number
}

/** Opened before the first look: what a process needs once, code and pools, is there by then. */
const warmUpSockets = 1000
const guestsInARoom = 10
// What closes or ages has done so.
const restMs = 3000
/** Messages a second, over all sockets, while thousands come back. */
const stormRate = 1000
const stormSeconds = 20
const stormWarmupSeconds = 10

/** Bytes a socket, after a garbage collection. */
interface Weight {
  /** JavaScript objects. */
  readonly heap: number
  /** The library's own, and all else that is resident beside V8's heap. */
  readonly native: number
}

interface Server {
  readonly pid: number
  readonly url: string
}

/** Opens sockets at a server and weighs the process before and after. */
const weigh = async (server: Server, debuggerPort: number, seats: readonly Seat[]): Promise<Weight> => {
  const audience = gatherAudience()
  const inspector = await inspect(server.pid, debuggerPort)
  try {
    await audience.open(server.url, seats.slice(0, warmUpSockets))
    await delay(restMs)
    const before = await inspector.memory()
    await audience.open(server.url, seats.slice(warmUpSockets))
    await delay(restMs)
    const after = await inspector.memory()
    const { closed } = await audience.count()
    if (closed > 0) throw new Error(`${closed} sockets were closed meanwhile`)
    const count = seats.length - warmUpSockets
    return {
      heap: (after.heapUsed - before.heapUsed) / count,
      native: (after.rss - after.heapTotal - (before.rss - before.heapTotal)) / count,
    }
  } finally {
    inspector.close()
    await audience.stop()
  }
}

const weighBare = async (seats: readonly Seat[]): Promise<Weight> => {
  const debuggerPort = await freeDebuggerPort()
  const bare = startHelper<never, { port: number }>('bare-server.ts', {
    NODE_OPTIONS: debuggerOption(debuggerPort),
  })
  try {
    const { port } = await bare.hear()
    return await weigh({ pid: bare.pid, url: `ws://127.0.0.1:${port}/` }, debuggerPort, seats)
  } finally {
    await bare.stop()
  }
}

const weighEdge = async (veza: Veza, guests: Guests, seats: readonly Seat[]): Promise<Weight> => {
  const debuggerPort = await freeDebuggerPort()
  const { child, port } = await veza.another('realtime', {
    ...guests.settings,
    NODE_OPTIONS: debuggerOption(debuggerPort),
  })
  try {
    const url = veza.endpoints.ws.replace(/:\d+\//, `:${port}/`)
    return await weigh({ pid: child.pid ?? 0, url }, debuggerPort, seats)
  } finally {
    await child.stop()
  }
}

/** Thousands come back at once, to the edge that they were connected to, while they and others talk. */
const blow = async (veza: Veza, guests: Guests, sockets: number): Promise<LoadReport> => {
  const { child, port } = await veza.another('realtime', guests.settings)
  const roomOf = new Map(guests.rooms.map(({ id }, index) => [channels.room(id), index]))
  const generator = startGenerator(
    {
      edges: [veza.endpoints.ws.replace(/:\d+\//, `:${port}/`)],
      http: veza.endpoints.http,
      databaseUrl: veza.stack.databaseUrls.chat,
      rooms: guests.rooms.map(({ id }) => id),
      sockets: guests.guests.map(({ token, channel }) => ({ token, room: roomOf.get(channel) ?? 0 })),
      rate: stormRate,
      seconds: stormSeconds,
      warmupSeconds: stormWarmupSeconds,
      bodyCharacters: 120,
      settleSeconds: 60,
      cuts: 0,
      storm: sockets,
      seed: 20_261_124,
    },
    (news) => {
      if (news.type === 'progress' && news.second % 5 === 0)
        say(
          `  ${news.second} s: ${news.acknowledged} acknowledged, ${news.delivered} delivered, ${news.owed} on their way`,
        )
    },
  )
  try {
    return await generator.report
  } finally {
    await generator.stop()
    await child.stop()
  }
}

const printStorm = ({ storm, publishToDelivery, publishToAck, unrecovered }: LoadReport): void => {
  if (storm === undefined) return
  say('')
  say(
    storm.backAfterMs === undefined
      ? `of ${storm.sockets} sockets that were cut at once not all came back`
      : `${storm.sockets} sockets that were cut at once were all back after ${rounded(storm.backAfterMs / 1000)} s, ` +
          `${unrecovered} of them without recovery`,
  )
  const row = (name: string, { p50, p95, p99, max }: Latency) => [
    name,
    ...[p50, p95, p99, max].map((ms) => rounded(ms)),
  ]
  table(
    ['ms', 'p50', 'p95', 'p99', 'max'],
    [
      row('others meanwhile, publish to delivery', storm.othersDelivery),
      row('others meanwhile, publish to acknowledgement', storm.othersAck),
      row('all, all the time, publish to delivery', publishToDelivery),
      row('all, all the time, publish to acknowledgement', publishToAck),
    ],
  )
}

/** The sockets bench. @returns whether all came back and nothing was lost */
export const benchSockets = async ({ sockets }: SocketsBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench', { ...liftedLimits, LOG_LEVEL: 'warn' })
  try {
    const count = sockets + warmUpSockets
    say(`inviting ${count} guests`)
    const rooms = Array.from({ length: count / guestsInARoom }, () => guestsInARoom)
    const guests = await inviteGuests(veza, rooms)
    try {
      const following = guests.guests.map(({ token, channel }) => ({ token, channel }))
      const idle = guests.guests.map(({ token }) => ({ token }))
      say('weighing the sockets of a bare server, of an edge, and of one whose sockets follow rooms')
      const weights = {
        'bare uWebSockets.js, following a channel': await weighBare(following),
        'edge, connected': await weighEdge(veza, guests, idle),
        'edge, following a room': await weighEdge(veza, guests, following),
      }
      say(`memory a socket, ${sockets} sockets of as many users, after a garbage collection`)
      table(
        ['', 'KiB', 'of which in the heap'],
        Object.entries(weights).map(([name, { heap, native }]) => [
          name,
          rounded((heap + native) / 1024, 2),
          rounded(heap / 1024, 2),
        ]),
      )
      say('cutting them all while people talk')
      const report = await blow(veza, guests, sockets)
      printStorm(report)
      const broken = brokenPromises(report)
      say(broken.length === 0 ? 'nothing was lost, doubled or out of order' : `BROKEN: ${broken.join(', ')}`)
      writeResult('sockets', { sockets, weights, report })
      return broken.length === 0 && report.storm?.backAfterMs !== undefined
    } finally {
      guests.close()
    }
  } finally {
    await veza.stop()
  }
}
