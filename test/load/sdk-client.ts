import { Centrifuge, type PublicationContext } from 'centrifuge'
import { WebSocket } from 'ws'
import { between } from '../support/random.ts'
import { type LoadClient, type LoadClientEvents, type LoadClientOptions } from './client.ts'
import { createInbox } from './inbox.ts'
import { messageName, messageOf } from './names.ts'

interface SdkError {
  readonly code: number
  readonly message: string
  readonly temporary?: boolean
}

// The SDK's own: time-out, and the connection being closed. Whether it happened is not known: it is sent again.
const unknownOutcome = new Set([1, 11])

/** A load client that is the published SDK, unmodified. It gives nothing up. */
export const createSdkClient = (options: LoadClientOptions, events: LoadClientEvents): LoadClient => {
  const { urls, token, channel, run, bodyOf, readPast, random } = options
  const sockets: WebSocket[] = []
  class TrackedWebSocket extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(urls[sockets.length % urls.length] ?? address, protocols)
      sockets.push(this)
    }
  }
  const client = new Centrifuge(String(urls[0]), {
    token,
    websocket: TrackedWebSocket,
    minReconnectDelay: 100,
    maxReconnectDelay: 1000,
  })
  const subscription = client.newSubscription(channel)
  const inbox = createInbox({ run, readPast }, events)
  let started = false
  let closing = false

  subscription.on('publication', ({ offset = 0, data }: PublicationContext) => {
    const { clientMessageId = '' } = data as { readonly clientMessageId?: string }
    inbox.take(offset, messageOf(run, clientMessageId), performance.now())
  })
  subscription.on('subscribed', ({ streamPosition, wasRecovering, recovered }) => {
    if (!started) events.onStart(streamPosition?.offset ?? 0)
    else events.onResumed()
    started = true
    if (!wasRecovering || recovered) return
    events.onUnrecovered()
    void inbox.catchUp(streamPosition?.offset ?? 0)
  })
  subscription.on('subscribing', () => {
    inbox.reset()
    if (started) events.onReconnect()
  })
  subscription.on('error', ({ error }) => {
    events.onTrouble(`error ${error.code} ${error.message} to subscribe`)
  })
  subscription.subscribe()
  client.connect()

  const send = async (message: number): Promise<void> => {
    const data = { type: 'message.post', clientMessageId: messageName(run, message), body: bodyOf(message) }
    try {
      await subscription.publish(data)
      events.onAcknowledged(message, performance.now())
    } catch (error) {
      if (closing) return
      const { code, message: reason, temporary = false } = error as SdkError
      if (!temporary && !unknownOutcome.has(code)) {
        events.onRefused(message, `error ${code} ${reason}`)
        return
      }
      events.onRetry()
      setTimeout(() => void send(message), between(random, 100, 400))
    }
  }

  return {
    publish: (message) => void send(message),
    cut() {
      sockets.at(-1)?.terminate()
    },
    close() {
      closing = true
      inbox.reset()
      client.disconnect()
    },
  }
}
