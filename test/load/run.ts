import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { channels } from '@veza/contracts'
import { seeded, sentence } from '../support/random.ts'
import { createLoadClient, type LoadClient } from './client.ts'
import { readPast } from './history.ts'
import { histogram, latency } from './latency.ts'
import { createLedger } from './ledger.ts'
import { type LoadNews, type LoadPlan, type LoadReport } from './plan.ts'
import { createSeconds } from './seconds.ts'
import { createSdkClient } from './sdk-client.ts'
import { compareStored } from './stored.ts'
import { createStorm } from './storm.ts'

/** Waits for a condition, looking every 20 ms. @returns false when the time was up */
const until = async (condition: () => boolean, seconds: number): Promise<boolean> => {
  const deadline = performance.now() + seconds * 1000
  while (!condition()) {
    if (performance.now() > deadline) return false
    await delay(20)
  }
  return true
}

/**
 * Connects all sockets, sends at a fixed rate whatever the answers do (open loop), waits until everything that was
 * acknowledged has arrived everywhere, then compares with the store.
 *
 * @throws Error when not all sockets could subscribe
 */
export const runLoad = async (plan: LoadPlan, tell: (news: LoadNews) => void): Promise<LoadReport> => {
  const { rooms, sockets, rate } = plan
  const random = seeded(plan.seed)
  const edges = plan.edges.map((url) => new URL(url))
  // Not of the seed: rooms may be used by several runs.
  const run = randomUUID().slice(0, 8)
  const bodies = Array.from({ length: 64 }, () => sentence(random, plan.bodyCharacters))
  const warmup = Math.round(rate * plan.warmupSeconds)
  const total = warmup + Math.round(rate * plan.seconds)

  const members = rooms.map(() => 0)
  const places = sockets.map(({ room }) => {
    const member = members[room] ?? 0
    members[room] = member + 1
    return { room, member }
  })
  const ledger = createLedger(total + rooms.length, members)
  const bases = rooms.map(() => 0)
  const due = new Float64Array(total + rooms.length)
  const isMeasured = (message: number) => message >= warmup && message < total
  const toDelivery = histogram()
  const toAck = histogram()
  const sendDelay = histogram()
  const since = (message: number, now: number) =>
    Math.max(1, Math.round((now - (due[message] ?? now)) * 1000))
  const storm = createStorm(plan.storm ?? 0)
  const seconds = createSeconds(Math.ceil(plan.seconds))
  const secondOf = (message: number) => Math.floor((message - warmup) / rate)
  // Evenly over the sockets, and so over the rooms.
  const isSdk = (socket: number) => (socket * (plan.sdks ?? 0)) % sockets.length < (plan.sdks ?? 0)
  const counts = { retries: 0, reconnects: 0, unrecovered: 0 }
  const troubles: Record<string, number> = {}
  const onTrouble = (what: string) => {
    troubles[what] = (troubles[what] ?? 0) + 1
  }

  let subscribed = 0
  const open = ({ token }: { token: string }, index: number): LoadClient => {
    const { room, member } = places[index] ?? { room: 0, member: 0 }
    const roomId = rooms[room] ?? ''
    return (isSdk(index) ? createSdkClient : createLoadClient)(
      {
        urls: edges.map((_, turn) => edges[(index + turn) % edges.length] as URL),
        token,
        channel: channels.room(roomId),
        run,
        bodyOf: (message) => bodies[message % bodies.length] ?? '',
        readPast: (range, isWanted) => readPast({ http: plan.http, token, roomId }, range, isWanted),
        random,
        abandons: plan.abandons ?? 0,
      },
      {
        onStart(offset) {
          subscribed++
          bases[room] = offset
          ledger.starts(room, member, offset)
        },
        onDelivery(offset, message, now) {
          if (!ledger.delivered(room, member, offset, message) || !isMeasured(message)) return
          toDelivery.recordValue(since(message, now))
          seconds.onDelivery(secondOf(message), since(message, now))
          storm.onDelivery(index, since(message, now))
        },
        onAcknowledged(message, now) {
          if (!ledger.acknowledged(message) || !isMeasured(message)) return
          toAck.recordValue(since(message, now))
          seconds.onAck(secondOf(message), since(message, now))
          storm.onAck(index, since(message, now))
        },
        onRefused(message, error) {
          ledger.refused(message)
          onTrouble(error)
        },
        onAbandoned(message) {
          ledger.abandoned(message)
        },
        onRetry() {
          counts.retries++
        },
        onReconnect() {
          counts.reconnects++
        },
        onResumed() {
          storm.onResumed(index)
        },
        onUnrecovered() {
          counts.unrecovered++
        },
        onTrouble,
        position: () => ledger.position(room, member),
      },
    )
  }

  const clients: LoadClient[] = []
  // A connection is a signature check and a membership query at the edge: some at a time, as a gateway would let them in.
  for (const [index, socket] of sockets.entries()) {
    clients.push(open(socket, index))
    if (!(await until(() => clients.length - subscribed < 50, 60))) break
  }
  try {
    if (!(await until(() => subscribed === sockets.length, 60)))
      throw new Error(`${subscribed} of ${sockets.length} sockets subscribed: ${JSON.stringify(troubles)}`)
    tell({ type: 'connected' })

    let next = 0
    const publish = (client: number, dueAt: number) => {
      due[next] = dueAt
      ledger.sent(next, places[client]?.room ?? 0)
      clients[client]?.publish(next)
      next++
    }
    const start = performance.now()
    const cutAt = Array.from({ length: plan.cuts }, () => random() * (total / rate) * 1000).sort(
      (a, b) => a - b,
    )
    const stormAt = (plan.warmupSeconds + plan.seconds / 3) * 1000
    let second = 0
    while (next < total) {
      const now = performance.now()
      for (
        let at = start + (next * 1000) / rate;
        at <= now && next < total;
        at = start + (next * 1000) / rate
      ) {
        if (isMeasured(next)) sendDelay.recordValue(Math.max(1, Math.round((now - at) * 1000)))
        publish(next % sockets.length, at)
      }
      for (; cutAt[0] !== undefined && cutAt[0] <= now - start; cutAt.shift())
        clients[Math.floor(random() * clients.length)]?.cut()
      if (plan.storm !== undefined && now - start >= stormAt) storm.begin(clients)
      if (now - start >= (second + 1) * 1000)
        tell({ type: 'progress', second: ++second, owed: ledger.owed, ...ledger.totals() })
      await delay(1)
    }

    const settled = () => ledger.unanswered === 0 && ledger.owed === 0
    const from = performance.now()
    await until(settled, plan.settleSeconds)
    const settledAfterMs = performance.now() - from
    // The last of each room, behind which nothing of the run can come any more.
    for (const room of rooms.keys()) {
      const client = places.findIndex((place) => place.room === room)
      if (client !== -1) publish(client, performance.now())
    }
    await until(settled, plan.settleSeconds)

    const stored = await compareStored(
      plan.databaseUrl,
      run,
      rooms.map((id, room) => ({ id, base: bases[room] ?? 0 })),
      next,
      ledger,
    )
    return {
      totals: ledger.totals(),
      violations: ledger.violations(),
      stored,
      unanswered: ledger.unanswered,
      ...counts,
      publishToDelivery: latency(toDelivery),
      publishToAck: latency(toAck),
      sendDelay: latency(sendDelay),
      settledAfterMs,
      worstSeconds: seconds.worst(),
      ...(plan.storm === undefined ? {} : { storm: storm.report() }),
      troubles,
    }
  } finally {
    for (const client of clients) client.close()
  }
}
