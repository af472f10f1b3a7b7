import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'

/**
 * Connections that may wait to be accepted, as far as the kernel lets them (net.core.somaxconn). Of Node's 511 the rest of
 * a crowd that comes back at once would hear nothing, and try again after 1, 3, 7 and 15 s.
 */
const backlog = 4096

/** A listening server. */
export interface Server {
  readonly port: number
  /**
   * Stops accepting, ends idle connections, waits for requests in flight, and cuts what is left after the grace.
   *
   * @param graceMs 10 s unless given
   */
  readonly close: (graceMs?: number) => Promise<void>
}

/** Answers a request on Node's own objects, or leaves it to the app by calling `next`: once, at any time. */
export type First = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/**
 * Serves a Hono app on node:http.
 *
 * @param options port 0 = any free one; requestTimeoutMs: how long a request may take to arrive whole, 30 s unless given;
 * first: is asked before the app, for what comes so often that the app's way is too long for it
 * @throws Error that names host and port when it cannot listen
 */
export const serve = async (
  app: { fetch: (request: Request, env: unknown) => unknown },
  {
    host,
    port,
    requestTimeoutMs = 30_000,
    first,
  }: { host: string; port: number; requestTimeoutMs?: number; first?: First },
): Promise<Server> => {
  const answer = getRequestListener(async (request, env) => {
    const response = await app.fetch(request, env)
    // A handler may have answered on the Node response itself.
    return (env as HttpBindings).outgoing.headersSent ? RESPONSE_ALREADY_SENT : response
  })
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      const next = () => void answer(request, response)
      if (first === undefined) next()
      else first(request, response, next)
    },
  )
  const inFlight = new Set<ServerResponse>()
  let closing = false
  const lastOfItsConnection = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader('connection', 'close')
  }
  server.prependListener('request', (_request, response) => {
    if (closing) lastOfItsConnection(response)
    inFlight.add(response)
    response.once('close', () => inFlight.delete(response))
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message
      reject(new Error(`cannot listen on ${host}:${port}: ${reason}`, { cause }))
    })
    server.listen({ port, host, backlog }, resolve)
  })

  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = 10_000) =>
      new Promise((resolve) => {
        closing = true
        const cut = setTimeout(() => {
          server.closeAllConnections()
        }, graceMs)
        for (const response of inFlight) lastOfItsConnection(response)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}
