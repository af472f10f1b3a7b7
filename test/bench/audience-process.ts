/**
 * Those who listen: sockets that follow a channel each and count what comes, without looking into it, but for one in a
 * hundred, which reads each publication, its place and its time.
 */
import { build } from 'hdr-histogram-js'
import { frameReader, openRawSocket, type RawSocket } from '../load/websocket.ts'
import { type AudienceOrder, type AudienceNews, type Seat } from './audience.ts'
import { frameCounter } from './frame-counter.ts'

const readerEvery = 100
// Under way at a time: a connection is a signature check and a question to chat.
const maxPending = 200
const longestDelayMs = 600_000

const tell = (news: AudienceNews) => {
  process.send?.(news)
}
const freshDelays = () =>
  build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestDelayMs,
    numberOfSignificantValueDigits: 3,
  })

const sockets: RawSocket[] = []
let delays = freshDelays()
let messages = 0
let disordered = 0
let closed = 0

interface Line {
  readonly push?: {
    readonly pub?: { readonly offset?: number; readonly data: { readonly postedAt?: string } }
  }
}

const reader = () => {
  let last: number | undefined
  return (line: string) => {
    const pub = (JSON.parse(line) as Line).push?.pub
    if (pub?.offset === undefined || pub.data.postedAt === undefined) return
    if (last !== undefined && pub.offset !== last + 1) disordered++
    last = pub.offset
    delays.recordValue(Math.min(longestDelayMs, Math.max(1, Date.now() - Date.parse(pub.data.postedAt))))
  }
}

/** Resolves when it is subscribed, or connected where it follows nothing. */
const open = (url: URL, { token, channel }: Seat, reads: boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let greeted = ''
    let ready = false
    const greet = (text: string) => {
      greeted += text
      if (greeted.includes('"error"')) reject(new Error(greeted))
      ready = greeted.includes(channel === undefined ? '"connect":' : '"subscribe":')
      if (ready) resolve()
    }
    const readLine = reader()
    const counter = frameCounter({
      onMessages(count) {
        messages += count
      },
      onPing() {
        socket.send('{}')
      },
    })
    const feed = frameReader((_, payload) => {
      for (const line of payload.split('\n')) readLine(Buffer.from(line, 'latin1').toString())
    })
    const socket = openRawSocket(url, {
      onOpen() {
        const commands: object[] = [{ id: 1, connect: { token } }]
        if (channel !== undefined) commands.push({ id: 2, subscribe: { channel } })
        socket.send(commands.map((command) => JSON.stringify(command)).join('\n'))
      },
      onText: () => undefined,
      onBytes(bytes) {
        if (!ready) greet(bytes.toString('latin1'))
        counter.feed(bytes)
        if (reads) feed(bytes.toString('latin1'))
      },
      onClose(code, reason) {
        closed++
        reject(new Error(`closed with ${code} ${reason}`))
      },
    })
    sockets.push(socket)
  })

const openAll = async (url: URL, seats: readonly Seat[]): Promise<void> => {
  let next = 0
  const lane = async () => {
    for (let index = next++; index < seats.length; index = next++)
      await open(url, seats[index] as Seat, index % readerEvery === 0)
  }
  await Promise.all(Array.from({ length: maxPending }, lane))
}

const onOrder = async (order: AudienceOrder): Promise<void> => {
  switch (order.type) {
    case 'open':
      await openAll(new URL(order.url), order.seats)
      tell({ type: 'open', sockets: sockets.length })
      return
    case 'count': {
      const at = (percentile: number) => delays.getValueAtPercentile(percentile)
      const delay = { p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: delays.maxValue }
      tell({ type: 'counts', messages, disordered, closed, delay })
      delays = freshDelays()
    }
  }
}

process.once('disconnect', () => process.exit(0))
process.on('message', (order) => {
  onOrder(order as AudienceOrder).catch((error: unknown) => {
    tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
  })
})
