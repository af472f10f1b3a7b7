/** Counts what a server sends over one connection, without looking into it. */
export interface FrameCounter {
  /** Takes the next bytes. They may end anywhere. */
  feed(bytes: Buffer): void
}

export interface FrameCounterHandlers {
  /** So many messages came, lines of a frame; pings are none. */
  onMessages(count: number): void
  /** The protocol's ping, which is to be answered. */
  onPing(): void
}

const lineFeed = 10
/** `{}` */
const pingBytes = 2

/** Reads the heads of a server's frames (unmasked, not fragmented) and counts the line feeds in between. */
export const frameCounter = (handlers: FrameCounterHandlers): FrameCounter => {
  // A frame's first bytes, when they came apart.
  const head = Buffer.alloc(10)
  let headBytes = 0
  let payload = 0
  let rest = 0
  let lines = 1

  const headSize = (second: number): number => (second === 126 ? 4 : second === 127 ? 10 : 2)

  const begin = (bytes: Buffer, at: number, size: number): void => {
    payload =
      size === 2
        ? (bytes[at + 1] ?? 0)
        : size === 4
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2))
    rest = payload
    lines = 1
  }

  const end = (): void => {
    if (payload === pingBytes) handlers.onPing()
    else handlers.onMessages(lines)
  }

  const readHead = (bytes: Buffer, at: number): number => {
    if (headBytes === 0 && bytes.length - at >= 2) {
      const size = headSize(bytes[at + 1] ?? 0)
      if (bytes.length - at >= size) {
        begin(bytes, at, size)
        return at + size
      }
    }
    head[headBytes++] = bytes[at] ?? 0
    if (headBytes >= 2 && headBytes === headSize(head[1] ?? 0)) {
      begin(head, 0, headBytes)
      headBytes = 0
    }
    return at + 1
  }

  const readPayload = (bytes: Buffer, at: number): number => {
    const until = Math.min(bytes.length, at + rest)
    for (let found = bytes.indexOf(lineFeed, at); found !== -1 && found < until;) {
      lines++
      found = bytes.indexOf(lineFeed, found + 1)
    }
    rest -= until - at
    if (rest === 0) end()
    return until
  }

  return {
    feed(bytes) {
      for (let at = 0; at < bytes.length;) at = rest === 0 ? readHead(bytes, at) : readPayload(bytes, at)
    },
  }
}
