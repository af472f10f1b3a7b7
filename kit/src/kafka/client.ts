import { connect, type Socket } from 'node:net'
import type { Kafka as KafkaJs, RetryOptions } from 'kafkajs'
import { Kafka, logLevel } from './kafkajs.ts'
import { type KafkaLog } from './types.ts'

/** Opens the TCP connection to a broker. Tests put a faulty network in here. */
export type Dial = (host: string, port: number) => Socket

export const dialDirectly: Dial = (host, port) => connect({ host, port })

export interface ClientSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly log: KafkaLog
  readonly dial: Dial
}

/** One kafkajs client with sockets of its own, to be used for one producer or one consumer and then destroyed. */
export interface Client {
  readonly kafka: KafkaJs
  /**
   * Cuts every connection and lets no new one be made. kafkajs' own disconnect waits for answers to requests in
   * flight, for ever if the broker hangs, and its consumers go on reconnecting after that.
   */
  destroy(): void
}

const retry: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1000, retries: 3 }

/** Two consumers of one group must not share a client: kafkajs keeps committed offsets by group in the client. */
export function openClient(settings: ClientSettings, requestTimeoutMs: number): Client {
  const sockets = new Set<Socket>()
  let destroyed = false
  const kafka = new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: 5000,
    requestTimeout: requestTimeoutMs,
    retry,
    logLevel: logLevel.INFO,
    // kafkajs calls errors what it recovers from by itself, a group's first start above all. What matters to an
    // operator is logged by the port, once, where it is known what it means.
    logCreator: () => (entry) => {
      const { label, namespace, log } = entry
      settings.log.debug({ ...log, kafkajs: label, namespace }, log.message)
    },
    socketFactory: ({ host, port, onConnect }) => {
      if (destroyed) throw new Error('the client was destroyed')
      const socket = settings.dial(host, port)
      socket.once('connect', onConnect)
      socket.setNoDelay(true)
      socket.setKeepAlive(true, 60_000)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
  })
  return {
    kafka,
    destroy() {
      destroyed = true
      // An error makes kafkajs reject the requests that wait for an answer, a bare close does not.
      for (const socket of sockets) socket.destroy(new Error('the client was destroyed'))
    },
  }
}
