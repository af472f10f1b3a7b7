import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

// https://kafka.apache.org/protocol: a request is length, api key, api version, correlation id; a response length,
// correlation id.
const produce = 0
const joinGroup = 11

/** A network between the client and the broker that can be broken. */
export interface Proxy {
  readonly port: number
  /** Cuts every connection, new ones are accepted. */
  cut(): void
  /** While set, nothing passes in either direction: a broker that hangs. */
  hang(hanging: boolean): void
  /** Refuses connections, and cuts those that are. */
  down(isDown: boolean): Promise<void>
  /** Lets the next n produce requests reach the broker, throws their answers away and cuts the connection. */
  loseProduceAnswers(n: number): void
  /** How many produce requests came through. */
  readonly produced: number
  readonly joins: number
  close(): Promise<void>
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const pairs = new Set<{ client: Socket; broker: Socket }>()
  let hanging = false
  let losing = 0
  let produced = 0
  let joins = 0

  function serve(client: Socket): void {
    const broker = connect(target)
    const pair = { client, broker }
    pairs.add(pair)
    const lost = new Set<number>()
    const destroy = () => {
      client.destroy()
      broker.destroy()
      pairs.delete(pair)
    }
    let incoming: Buffer = Buffer.alloc(0)
    client.on('data', (data: Buffer) => {
      incoming = Buffer.concat([incoming, data])
      while (incoming.length >= 12 && incoming.length >= 4 + incoming.readInt32BE(0)) {
        const key = incoming.readInt16BE(4)
        if (key === joinGroup) joins++
        if (key === produce) {
          produced++
          if (losing > 0) {
            losing--
            lost.add(incoming.readInt32BE(8))
          }
        }
        incoming = incoming.subarray(4 + incoming.readInt32BE(0))
      }
      if (!hanging) broker.write(data)
    })
    broker.on('data', (data: Buffer) => {
      // With one request in flight an answer comes alone.
      if (data.length >= 8 && lost.has(data.readInt32BE(4))) destroy()
      else if (!hanging) client.write(data)
    })
    for (const socket of [client, broker]) {
      socket.on('error', destroy)
      socket.on('close', destroy)
    }
  }

  const open = (port: number) =>
    new Promise<Server>((resolve) => {
      const server = createServer(serve)
      server.listen(port, '127.0.0.1', () => {
        resolve(server)
      })
    })
  let server: Server | undefined = await open(0)
  const { port } = server.address() as AddressInfo

  function cut(): void {
    for (const { client } of pairs) client.destroy()
  }

  async function down(isDown: boolean): Promise<void> {
    if (isDown) {
      const closing = server
      server = undefined
      cut()
      if (closing) await new Promise((resolve) => closing.close(resolve))
    } else server ??= await open(port)
  }

  return {
    port,
    cut,
    down,
    hang(isHanging) {
      // What was swallowed would be missing from the stream: after hanging a connection is of no more use.
      if (hanging && !isHanging) cut()
      hanging = isHanging
    },
    loseProduceAnswers(n) {
      losing = n
    },
    get produced() {
      return produced
    },
    get joins() {
      return joins
    },
    close: () => down(true),
  }
}
