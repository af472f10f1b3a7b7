import { WebSocket } from 'ws'

type Line = Record<string, unknown>

/** A client without an SDK, to say what no SDK would say and see exactly what comes back. */
export interface RawClient {
  readonly socket: WebSocket
  /** Every line that came, parsed. */
  readonly lines: Line[]
  /** Every frame that came, as text. */
  readonly frames: string[]
  send(...commands: (object | string)[]): void
  /** Sends one command and waits for its reply. */
  ask(command: object): Promise<Line>
  readonly closed: Promise<{ code: number; reason: string }>
}

/** Rejects when the upgrade is refused, with the status in the message. */
export const openRaw = (
  url: string,
  options: { origin?: string; protocols?: string[] } = {},
): Promise<RawClient> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(
      url,
      options.protocols ?? [],
      options.origin === undefined ? {} : { origin: options.origin },
    )
    const lines: Line[] = []
    const frames: string[] = []
    const replies = new Map<number, (line: Line) => void>()
    let nextId = 1000
    const closed = new Promise<{ code: number; reason: string }>((settle) => {
      socket.on('close', (code, reason) => {
        settle({ code, reason: reason.toString() })
      })
    })
    socket.on('message', (data: Buffer) => {
      const frame = data.toString()
      frames.push(frame)
      for (const text of frame.split('\n')) {
        const line = JSON.parse(text) as Line
        lines.push(line)
        if (typeof line['id'] === 'number') replies.get(line['id'])?.(line)
      }
    })
    socket.once('error', reject)
    socket.once('open', () => {
      resolve({
        socket,
        lines,
        frames,
        closed,
        send(...commands) {
          socket.send(commands.map((c) => (typeof c === 'string' ? c : JSON.stringify(c))).join('\n'))
        },
        ask(command) {
          const id = nextId++
          return new Promise((settle) => {
            replies.set(id, settle)
            socket.send(JSON.stringify({ id, ...command }))
          })
        },
      })
    })
  })
