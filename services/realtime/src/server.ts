import { type Logger } from '@veza/kit/log'
import type uWS from 'uWebSockets.js'
import { type Disconnect, disconnects } from './protocol/codes.ts'
import { type Encoding } from './protocol/encoding.ts'
import { chooseEncoding, encodings } from './protocol/encodings.ts'
import { type Publish } from './protocol/replies.ts'
import { type SessionContext, type Socket } from './session-context.ts'
import { Session } from './session.ts'

export interface ServerSettings {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Larger frames close the connection with 1009. */
  readonly maxFrameBytes: number
  /** What a connection may leave unread before it is closed. */
  readonly maxBackpressureBytes: number
  /** Without a byte in either direction. */
  readonly idleTimeoutSeconds: number
  /** Origins of pages that may connect, besides those of the host itself and clients that send none. */
  readonly allowedOrigins: readonly string[]
}

export interface ServerOptions {
  readonly library: typeof uWS
  readonly settings: ServerSettings
  readonly log: Logger
  /** Told when a connection is ended by the server, or lost without a word. */
  readonly onDropped: (reason: string) => void
}

/** The public WebSocket listener, `/connection/websocket`. */
export interface Server {
  readonly port: number
  readonly connections: number
  /** Lets the sessions' deadlines pass. */
  tick(now: number): void
  /** Refuses new connections, then closes the others, spread over the window so that they don't all come back at once. */
  drain(windowMs: number): Promise<void>
  /** Stops listening, at once. */
  close(): void
}

interface Connection {
  /** From open to close. */
  session: Session | undefined
  readonly encoding: Encoding
  /** What it had left unread when time was last looked at, in bytes. */
  unread: number
}

/** A class for its methods: closures would be made, and kept, for each connection. */
class OpenSocket implements Socket {
  readonly #ws: uWS.WebSocket<Connection>
  readonly #encoding: Encoding
  readonly #options: ServerOptions

  constructor(ws: uWS.WebSocket<Connection>, encoding: Encoding, options: ServerOptions) {
    this.#ws = ws
    this.#encoding = encoding
    this.#options = options
  }

  send(frame: string | Uint8Array): void {
    this.#ws.send(frame, this.#encoding.isBinary)
  }

  subscribe(channel: string): void {
    this.#ws.subscribe(topicOf(this.#encoding, channel))
  }

  unsubscribe(channel: string): void {
    this.#ws.unsubscribe(topicOf(this.#encoding, channel))
  }

  isSlow(): boolean {
    return this.#ws.getBufferedAmount() > this.#options.settings.maxBackpressureBytes / 2
  }

  end(code: number, reason: string): void {
    this.#options.onDropped(reason)
    this.#ws.end(code, reason)
  }
}

interface ExclusiveListener {
  listen(
    host: string,
    port: number,
    options: number,
    callback: (listenSocket: uWS.us_listen_socket | false) => void,
  ): unknown
}

// LIBUS_LISTEN_EXCLUSIVE_PORT: by default two processes share a port (SO_REUSEPORT), and nobody is told.
const exclusivePort = 1

const path = '/connection/websocket'
const drainStepMs = 20

// Connections of one channel and one encoding follow one topic of the library.
const topicOf = (encoding: Encoding, channel: string): string =>
  encoding.isBinary ? `b:${channel}` : channel

const isAllowed = (origin: string, host: string, allowed: ReadonlySet<string>): boolean => {
  if (origin === '' || allowed.has(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

const refuse = (res: uWS.HttpResponse, status: string, detail: string): void => {
  res.cork(() => {
    res.writeStatus(status).writeHeader('content-type', 'text/plain; charset=utf-8').end(`${detail}\n`)
  })
}

/**
 * @returns how to publish, and how to start listening once the sessions' context (which publishes) is there. `listen`
 * rejects when the address is taken.
 */
export const createServer = (options: ServerOptions) => {
  const { library, settings, log, onDropped } = options
  const app = library.App()
  const sockets = new Map<Session, uWS.WebSocket<Connection>>()
  const allowedOrigins = new Set(settings.allowedOrigins)
  let draining = false

  const upgrade = (res: uWS.HttpResponse, req: uWS.HttpRequest, context: uWS.us_socket_context_t): void => {
    const protocols = req.getHeader('sec-websocket-protocol')
    const asked = protocols === '' ? [] : protocols.split(/, */)
    const encoding = chooseEncoding(asked, req.getQuery('format'))
    if (draining) refuse(res, '503 Service Unavailable', 'this edge is stopping')
    else if (!isAllowed(req.getHeader('origin'), req.getHeader('host'), allowedOrigins))
      refuse(res, '403 Forbidden', 'this origin may not connect')
    else if (encoding === undefined)
      refuse(res, '400 Bad Request', 'the subprotocols here are centrifuge-json and centrifuge-protobuf')
    else {
      const connection: Connection = { session: undefined, encoding, unread: 0 }
      res.upgrade(
        connection,
        req.getHeader('sec-websocket-key'),
        asked.length === 0 ? '' : encoding.subprotocol,
        req.getHeader('sec-websocket-extensions'),
        context,
      )
    }
  }

  const receive = (session: Session, message: ArrayBuffer): void => {
    try {
      session.receive(message)
    } catch (error) {
      log.error({ err: error }, 'a frame could not be handled')
      session.close(disconnects.serverError)
    }
  }

  const listen = (context: SessionContext): Promise<Server> =>
    new Promise((resolve, reject) => {
      app.ws<Connection>(path, {
        maxPayloadLength: settings.maxFrameBytes,
        maxBackpressure: settings.maxBackpressureBytes,
        // Declared as a number, read as a boolean.
        closeOnBackpressureLimit: 1,
        idleTimeout: settings.idleTimeoutSeconds,
        // The protocol's own pings keep connections alive, and find the dead ones sooner.
        sendPingsAutomatically: false,
        upgrade,
        open(ws) {
          const connection = ws.getUserData()
          const { encoding } = connection
          const session = new Session(context, new OpenSocket(ws, encoding, options), encoding)
          connection.session = session
          sockets.set(session, ws)
        },
        message(ws, message, isBinary) {
          const { session, encoding } = ws.getUserData()
          if (isBinary !== encoding.isBinary) session?.close(disconnects.badRequest)
          else if (session !== undefined) receive(session, message)
        },
        close(ws, code) {
          const { session, unread } = ws.getUserData()
          if (session === undefined) return
          sockets.delete(session)
          // The library does not say that it closed a connection for its backpressure.
          if (!session.isClosed() && code === 1006) onDropped(unread > 0 ? 'slow' : 'lost')
          session.closed()
        },
      })
      app.any('/*', (res) => {
        refuse(res, '404 Not Found', `WebSocket connections are made at ${path}`)
      })
      // The typings lack this overload.
      const listener: ExclusiveListener = app as unknown as ExclusiveListener
      listener.listen(settings.host, settings.port, exclusivePort, (listenSocket) => {
        if (listenSocket === false) {
          reject(new Error(`${settings.host}:${settings.port} can not be listened on: is it in use?`))
          return
        }
        resolve({
          port: library.us_socket_local_port(listenSocket),
          get connections() {
            return sockets.size
          },
          tick(now) {
            for (const [session, ws] of sockets) {
              ws.getUserData().unread = ws.getBufferedAmount()
              session.tick(now)
            }
          },
          async drain(windowMs) {
            draining = true
            await closeSpread(sockets, windowMs, disconnects.shutdown)
          },
          close() {
            draining = true
            library.us_listen_socket_close(listenSocket)
            for (const session of sockets.keys()) session.close(disconnects.shutdown)
          },
        })
      })
    })

  const publish: Publish = (channel, pushes) => {
    for (const encoding of encodings) {
      const topic = topicOf(encoding, channel)
      // Encoded once, and only for encodings that somebody reads.
      if (app.numSubscribers(topic) > 0) app.publish(topic, encoding.encode(pushes), encoding.isBinary)
    }
  }
  return { publish, listen }
}

const closeSpread = (
  sessions: ReadonlyMap<Session, unknown>,
  windowMs: number,
  disconnect: Disconnect,
): Promise<void> =>
  new Promise((resolve) => {
    const steps = Math.max(1, Math.floor(windowMs / drainStepMs))
    const perStep = Math.ceil(sessions.size / steps)
    const timer = setInterval(() => {
      let left = perStep
      for (const session of sessions.keys()) {
        if (left-- === 0) return
        session.close(disconnect)
      }
      clearInterval(timer)
      resolve()
    }, drainStepMs)
  })
