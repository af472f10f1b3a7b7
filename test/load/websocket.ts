import { randomBytes } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'

/** A WebSocket connection that costs little: no events, no copies, text as latin1. */
export interface RawSocket {
  /** Sends a text frame. False once the connection is gone. */
  send(text: string): boolean
  /** Cuts the connection, without a closing handshake. */
  cut(): void
}

export interface RawSocketHandlers {
  onOpen(): void
  /** The payload of a text frame, one character a byte (latin1): what is looked for in it is ASCII. */
  onText(text: string): void
  /** Instead of frames: what comes after the handshake as it comes, good until it returns. */
  onBytes?(bytes: Buffer): void
  /** Once. The close frame's code, 1006 when there was none. */
  onClose(code: number, reason: string): void
}

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/**
 * A client's frame. Its masking key is zero, so that the payload goes out as it is. RFC 6455 wants a random one because of
 * proxies in between; here are none, and the generator shares its cores with what it measures.
 */
const encodeFrame = (opcode: number, payload: Buffer): Buffer => {
  const length = payload.length
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = Buffer.allocUnsafe(6 + extra + length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127)
  if (extra === 2) frame.writeUInt16BE(length, 2)
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.fill(0, 2 + extra, 6 + extra)
  payload.copy(frame, 6 + extra)
  return frame
}

/**
 * Reads a server's frames (unmasked, not fragmented: the edge sends no others) out of a stream of chunks.
 *
 * @returns a function to be fed with chunks, latin1
 */
export const frameReader = (
  onFrame: (opcode: number, payload: string) => void,
): ((chunk: string) => void) => {
  let rest = ''
  return (chunk) => {
    const input = rest === '' ? chunk : rest + chunk
    let at = 0
    while (input.length - at >= 2) {
      const first = input.charCodeAt(at)
      let length = input.charCodeAt(at + 1)
      let header = 2
      if (length > 127) throw new Error('a masked frame from the server')
      if (length === 126) {
        header = 4
        if (input.length - at < header) break
        length = (input.charCodeAt(at + 2) << 8) | input.charCodeAt(at + 3)
      } else if (length === 127) {
        header = 10
        if (input.length - at < header) break
        length = 0
        for (let index = at + 2; index < at + 10; index++) length = length * 256 + input.charCodeAt(index)
      }
      if (input.length - at < header + length) break
      if ((first & 0xf0) !== 0x80) throw new Error('a fragmented or compressed frame from the server')
      onFrame(first & 0x0f, input.slice(at + header, at + header + length))
      at += header + length
    }
    rest = at === input.length ? '' : input.slice(at)
  }
}

// One for all sockets: a read and its callback happen in one go.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Connects to `ws://host:port/path`. */
export const openRawSocket = (url: URL, handlers: RawSocketHandlers): RawSocket => {
  let head: string | undefined = ''
  let closed = false
  let closeCode = 1006
  let closeReason = ''

  const onFrame = (opcode: number, payload: string) => {
    switch (opcode) {
      case opcodes.text:
      case opcodes.binary:
        handlers.onText(payload)
        return
      case opcodes.ping:
        socket.write(encodeFrame(opcodes.pong, Buffer.from(payload, 'latin1')))
        return
      case opcodes.close:
        if (payload.length >= 2) {
          closeCode = (payload.charCodeAt(0) << 8) | payload.charCodeAt(1)
          closeReason = payload.slice(2)
        }
        socket.destroy()
    }
  }
  const feed = frameReader(onFrame)

  const onChunk = (chunk: string) => {
    if (head === undefined) {
      feed(chunk)
      return
    }
    head += chunk
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    if (!head.startsWith('HTTP/1.1 101')) {
      closeReason = head.slice(0, head.indexOf('\r\n'))
      socket.destroy()
      return
    }
    const first = head.slice(end + 4)
    head = undefined
    handlers.onOpen()
    if (first === '') return
    if (handlers.onBytes === undefined) feed(first)
    else handlers.onBytes(Buffer.from(first, 'latin1'))
  }

  const socket: Socket = createConnection({
    host: url.hostname,
    port: Number(url.port),
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback(size) {
        if (closed) return true
        if (head === undefined && handlers.onBytes !== undefined)
          handlers.onBytes(readBuffer.subarray(0, size))
        else onChunk(readBuffer.toString('latin1', 0, size))
        return true
      },
    },
  })
  socket.once('connect', () => {
    socket.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
  })
  socket.on('error', (error) => {
    closeReason ||= error.message
  })
  socket.once('close', () => {
    closed = true
    handlers.onClose(closeCode, closeReason)
  })

  return {
    send(text) {
      if (closed || head !== undefined) return false
      socket.write(encodeFrame(opcodes.text, Buffer.from(text)))
      return true
    },
    cut() {
      socket.destroy()
    },
  }
}
