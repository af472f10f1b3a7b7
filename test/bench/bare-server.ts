/**
 * What the edge is compared with: uWebSockets.js and nothing else. Whoever connects follows what it asks for, without a
 * token, a room's order or a way back; what a publisher sends is passed on. Says its port to its parent.
 */
import uWS from 'uWebSockets.js'

interface Line {
  readonly id: number
  readonly connect?: object
  readonly subscribe?: { readonly channel: string }
}

interface Follower {
  readonly isPublisher: boolean
}

const app = uWS.App()

/** A channel, a line feed, and the push of that channel as clients get it. */
const passOn = (message: string): void => {
  const end = message.indexOf('\n')
  app.publish(message.slice(0, end), message.slice(end + 1))
}

const answer = (ws: uWS.WebSocket<Follower>, line: Line): void => {
  if (line.connect !== undefined)
    ws.send(JSON.stringify({ id: line.id, connect: { client: 'bare', ping: 25, pong: true } }))
  if (line.subscribe === undefined) return
  ws.subscribe(line.subscribe.channel)
  ws.send(JSON.stringify({ id: line.id, subscribe: { recoverable: true, epoch: 'bare', offset: 0 } }))
}

app.ws<Follower>('/*', {
  maxPayloadLength: 64 * 1024,
  // As the edge has it.
  maxBackpressure: 1024 * 1024,
  idleTimeout: 120,
  sendPingsAutomatically: false,
  upgrade(res, req, context) {
    res.upgrade<Follower>(
      { isPublisher: req.getUrl() === '/publish' },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    )
  },
  message(ws, message) {
    const text = Buffer.from(message).toString()
    if (ws.getUserData().isPublisher) passOn(text)
    else for (const line of text.split('\n')) answer(ws, JSON.parse(line) as Line)
  },
})

process.once('disconnect', () => process.exit(0))
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) throw new Error('no port to listen on')
  process.send?.({ port: uWS.us_socket_local_port(socket) })
})
