import { createClient, createCluster } from '@redis/client'

/** Of a server, or of some nodes of a cluster. */
type RedisUrls = readonly [string, ...string[]]

/** A connection to one server, or to all of a cluster. */
export interface Client {
  /** @param key any of the command's keys, by which a cluster finds the node */
  readonly send: (key: string, args: readonly string[]) => Promise<unknown>
  /** Rejects what is under way. */
  readonly destroy: () => void
}

// A server that is back is found within so many milliseconds.
const reconnectWithinMs = 500
const connectTimeoutMs = 2_000
/** What may wait for answers. A server that is slow must not fill the memory. */
const commandsQueueMaxLength = 10_000

const socket = {
  connectTimeout: connectTimeoutMs,
  reconnectStrategy: (retries: number): number => Math.min(reconnectWithinMs, 20 * 2 ** Math.min(retries, 6)),
}

/** Commands fail at once while there is no connection: whoever asks has something else that it can do. */
const options = { socket, disableOfflineQueue: true, commandsQueueMaxLength } as const

const connectServer = (url: string, onError: (error: unknown) => void): Client => {
  const client = createClient({ url, ...options })
  client.on('error', onError)
  client.connect().catch(onError)
  return {
    send: (_key, args) => client.sendCommand(args),
    destroy: () => {
      client.destroy()
    },
  }
}

const connectCluster = (urls: RedisUrls, onError: (error: unknown) => void): Client => {
  const { username, password, protocol } = new URL(urls[0])
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    // Of the nodes that are found, what the first ones' URLs say of themselves.
    defaults: {
      ...options,
      socket: protocol === 'rediss:' ? { ...socket, tls: true } : socket,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    },
  })
  cluster.on('error', onError)
  cluster.connect().catch(onError)
  return {
    send: (key, args) => cluster.sendCommand(key, false, [...args]),
    destroy: () => {
      cluster.destroy()
    },
  }
}

/** Connects in the background and again whenever the connection is lost. */
export const connectClient = (
  urls: RedisUrls,
  isCluster: boolean,
  onError: (error: unknown) => void,
): Client => (isCluster ? connectCluster(urls, onError) : connectServer(urls[0], onError))
