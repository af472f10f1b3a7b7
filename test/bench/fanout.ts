import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { channels, type Codec, connectCodec, roomPublication, toHeaders, topics } from '@veza/contracts'
import { type Veza } from '@veza/deploy/launcher'
import { connectKafka, type Producer } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openRawSocket } from '../load/websocket.ts'
import { startOwnVeza } from '../stack/veza.ts'
import { type Audience, gatherAudience, type Seat } from './audience.ts'
import { type Guests, inviteGuests } from './guests.ts'
import { startHelper } from './helper.ts'
import { rounded, say, table, writeResult } from './output.ts'
import { watchProcesses } from './processes.ts'

/** What is asked of the fan-out bench. */
export interface FanoutBench {
  /** Of each measurement, after as long a warm-up. */
  readonly seconds: number
  /** Only the shape with so many rooms. */
  readonly rooms: number | undefined
}

/** Rooms with so many subscribers each. */
interface Shape {
  readonly rooms: number
  readonly subscribers: number
}

const shapes: readonly Shape[] = [
  { rooms: 1, subscribers: 1000 },
  { rooms: 100, subscribers: 100 },
]
/** Deliveries a second at which both servers are compared. */
const referenceRates = [50_000, 100_000]
const growth = 1.6
/** What is late by more than this shows that the server falls behind: deliveries come in bursts then, and cheaper. */
const boundMs = 1000
const maxSteps = 7
const body = 'x'.repeat(120)

interface Message {
  readonly roomId: string
  readonly epoch: string
  readonly offset: number
}

/** Something that hands messages to those who follow their rooms. */
interface Server {
  readonly name: string
  readonly pid: number
  readonly url: string
  publish(messages: readonly Message[]): void
}

interface Measured {
  readonly shape: Shape
  readonly server: string
  /** Deliveries a second that were asked for, and those that came. */
  readonly asked: number
  readonly delivered: number
  readonly cpuSecondsPerMillion: number
  /** ms */
  readonly p50: number
  readonly p99: number
  readonly held: boolean
}

const eventOf = ({ roomId, epoch, offset }: Message) => ({
  roomId,
  epoch,
  offset,
  messageId: randomUUID(),
  senderId: roomId,
  clientMessageId: `${offset}`,
  body,
  postedAt: Date.now(),
  messageNumber: offset,
  replyTo: null,
  threadId: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
})

/** Events as chat-fanout produces them, past the store: this is about delivery. */
const throughKafka =
  (codec: Codec, producer: Producer, onError: (error: unknown) => void) => (messages: readonly Message[]) => {
    const records = messages.map((message) => {
      const event = eventOf(message)
      return {
        topic: topics.chatEvents.name,
        key: event.roomId,
        value: codec.encode(topics.chatEvents, 'MessagePosted', event),
        headers: toHeaders({
          id: event.messageId,
          type: 'MessagePosted',
          source: '/bench',
          time: event.postedAt,
        }),
      }
    })
    producer.sendAll(records).catch(onError)
  }

const pushOf = (message: Message): string => {
  const channel = channels.room(message.roomId)
  const data = roomPublication({ type: 'MessagePosted', value: eventOf(message) })
  return `${channel}\n${JSON.stringify({ push: { channel, pub: { offset: message.offset, data } } })}`
}

/** Sends at a fixed rate, whatever becomes of it. The rooms take turns. */
const publishFor = async (
  server: Server,
  rooms: readonly { readonly id: string; readonly epoch: string; offset: number }[],
  rate: number,
  seconds: number,
): Promise<void> => {
  const total = Math.round(rate * seconds)
  const start = performance.now()
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate))
    const messages: Message[] = []
    for (; sent < due; sent++) {
      const room = rooms[sent % rooms.length]
      if (room !== undefined) messages.push({ roomId: room.id, epoch: room.epoch, offset: ++room.offset })
    }
    if (messages.length > 0) server.publish(messages)
    await delay(2)
  }
}

/** Until nothing more comes. */
const settle = async (audience: Audience): Promise<void> => {
  for (let before = -1, now = (await audience.count()).messages; now !== before;) {
    await delay(1000)
    before = now
    now = (await audience.count()).messages
  }
}

const measure = async (
  server: Server,
  shape: Shape,
  audience: Audience,
  rooms: Parameters<typeof publishFor>[1],
  asked: number,
  seconds: number,
): Promise<Measured> => {
  const rate = asked / shape.subscribers
  await publishFor(server, rooms, rate, seconds)
  const before = await audience.count()
  const watch = watchProcesses([{ name: server.name, pid: () => server.pid }])
  const from = performance.now()
  await publishFor(server, rooms, rate, seconds)
  const after = await audience.count()
  const elapsed = (performance.now() - from) / 1000
  const cpuSeconds = watch.stop()[0]?.cpuSeconds ?? 0
  const count = after.messages - before.messages
  if (after.disordered > 0) throw new Error(`${after.disordered} deliveries were out of order`)
  return {
    shape,
    server: server.name,
    asked,
    delivered: count / elapsed,
    cpuSecondsPerMillion: (cpuSeconds / count) * 1e6,
    p50: after.delay.p50,
    p99: after.delay.p99,
    held: count / elapsed > 0.97 * asked && after.delay.p99 < boundMs && after.closed === 0,
  }
}

/** The reference rates, then more and more until it falls behind. */
const measureShape = async (
  server: Server,
  shape: Shape,
  guests: Pick<Guests, 'rooms'>,
  seats: readonly Seat[],
  seconds: number,
): Promise<Measured[]> => {
  const audience = gatherAudience()
  try {
    await audience.open(server.url, seats)
    const rooms = guests.rooms.map((room) => ({ ...room, offset: 0 }))
    const results: Measured[] = []
    const step = async (asked: number): Promise<boolean> => {
      const measured = await measure(server, shape, audience, rooms, asked, seconds)
      results.push(measured)
      say(
        `  ${server.name}, ${shape.rooms} × ${shape.subscribers}: ${asked}/s asked, ${Math.round(measured.delivered)}/s ` +
          `came, ${rounded(measured.cpuSecondsPerMillion, 2)} CPU s a million, p99 ${measured.p99} ms`,
      )
      await settle(audience)
      return measured.held
    }
    let held = true
    for (const rate of referenceRates) held = (await step(rate)) && held
    for (let rate = Math.max(...referenceRates) * growth; held && results.length < maxSteps; rate *= growth)
      held = await step(Math.round(rate))
    return results
  } finally {
    await audience.stop()
  }
}

const withBare = async <T>(use: (server: Server) => Promise<T>): Promise<T> => {
  const bare = startHelper<never, { port: number }>('bare-server.ts')
  try {
    const { port } = await bare.hear()
    const url = `ws://127.0.0.1:${port}`
    let onOpen: () => void = () => undefined
    const opened = new Promise<void>((resolve) => {
      onOpen = resolve
    })
    const publisher = openRawSocket(new URL(`${url}/publish`), {
      onOpen,
      onText: () => undefined,
      onClose: () => undefined,
    })
    await opened
    return await use({
      name: 'bare',
      pid: bare.pid,
      url: `${url}/`,
      publish(messages) {
        for (const message of messages) publisher.send(pushOf(message))
      },
    })
  } finally {
    await bare.stop()
  }
}

const withEdge = async <T>(veza: Veza, guests: Guests, use: (server: Server) => Promise<T>): Promise<T> => {
  const log = createLog('bench', 'warn')
  const codec = await connectCodec(veza.endpoints.registry)
  const kafka = connectKafka([veza.endpoints.kafka], { clientId: 'bench', log })
  const producer = kafka.producer({ lingerMs: 0 })
  const { child, port } = await veza.another('realtime', guests.settings)
  try {
    return await use({
      name: 'edge',
      pid: child.pid ?? 0,
      url: veza.endpoints.ws.replace(/:\d+\//, `:${port}/`),
      publish: throughKafka(codec, producer, (error) => {
        log.warn({ err: error }, 'could not produce')
      }),
    })
  } finally {
    await child.stop()
    await producer.close()
    await kafka.close()
  }
}

/** The fan-out bench: the edge and a bare server, the same sockets, the same messages. */
export const benchFanout = async ({ seconds, rooms: only }: FanoutBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench', { LOG_LEVEL: 'warn' })
  try {
    const results: Measured[] = []
    for (const shape of shapes.filter(({ rooms }) => only === undefined || rooms === only)) {
      const guests = await inviteGuests(
        veza,
        Array.from({ length: shape.rooms }, () => shape.subscribers),
      )
      try {
        const seats = guests.guests.map(({ token, channel }) => ({ token, channel }))
        const run = (server: Server) => measureShape(server, shape, guests, seats, seconds)
        results.push(...(await withBare(run)), ...(await withEdge(veza, guests, run)))
      } finally {
        guests.close()
      }
    }
    say('')
    table(
      [
        'rooms × subscribers',
        'server',
        'asked/s',
        'delivered/s',
        'CPU s a million',
        'p50 ms',
        'p99 ms',
        'held',
      ],
      results.map(({ shape, server, asked, delivered, cpuSecondsPerMillion, p50, p99, held }) => [
        `${shape.rooms} × ${shape.subscribers}`,
        server,
        asked,
        Math.round(delivered),
        rounded(cpuSecondsPerMillion, 2),
        p50,
        p99,
        held ? 'yes' : 'no',
      ]),
    )
    for (const { rooms, subscribers } of shapes)
      for (const server of ['bare', 'edge']) {
        const own = results.filter(
          (result) => result.server === server && result.shape.rooms === rooms && result.held,
        )
        const best = own.reduce((max, { delivered }) => Math.max(max, delivered), 0)
        say(`${server}, ${rooms} × ${subscribers}: ${Math.round(best)} deliveries a second held`)
      }
    writeResult('fanout', { seconds, boundMs, results })
    return true
  } finally {
    await veza.stop()
  }
}
