import { between, type Random } from '../support/random.ts'
import { type ReadPast } from './history.ts'
import { createInbox } from './inbox.ts'
import { messageName, messageOf } from './names.ts'
import { openRawSocket, type RawSocket } from './websocket.ts'

/** What a load client tells. `now` is performance.now() of the chunk that brought the news. */
export interface LoadClientEvents {
  /** Subscribed for the first time: the channel stood at `offset`. */
  onStart(offset: number): void
  onDelivery(offset: number, message: number, now: number): void
  onAcknowledged(message: number, now: number): void
  /** An error that trying again would not change. */
  onRefused(message: number, error: string): void
  /** It was given up unanswered: it may have happened or not. */
  onAbandoned(message: number): void
  onRetry(): void
  onReconnect(): void
  /** Subscribed again. */
  onResumed(): void
  /** A subscription that could not be continued where it stood: what is missing is read from history. */
  onUnrecovered(): void
  /** Anything else that a reader of the report should know. */
  onTrouble(what: string): void
  /** The offset of the last delivery: where to recover from. */
  position(): number
}

export interface LoadClientOptions {
  /** Edges: the first to begin with, the next one after each loss of a connection. */
  readonly urls: readonly URL[]
  readonly token: string
  readonly channel: string
  /** Prefix of this run's client message ids; the message's number follows. */
  readonly run: string
  readonly bodyOf: (message: number) => string
  /** Reads the room's messages over HTTP, ascending, when a subscription could not be continued where it stood. */
  readonly readPast: ReadPast
  readonly random: Random
  /** How likely an unanswered publish is given up instead of repeated when the connection is lost. */
  readonly abandons?: number
}

export interface LoadClient {
  /** Sends a message, now or as soon as it is connected, and again until there is a final answer. */
  publish(message: number): void
  /** Cuts the connection under it; it comes back by itself, after a while or at once. */
  cut(atOnce?: boolean): void
  close(): void
}

// Command ids below are connect's and subscribe's; message n is published as command n + firstPublish.
const firstPublish = 1000

const digitsAt = (text: string, at: number): number => {
  let value = 0
  for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(++at))
    value = value * 10 + code - 48
  return value
}

interface Reply {
  id?: number
  error?: { code: number; message: string; temporary?: boolean }
  connect?: object
  publish?: object
  subscribe?: {
    epoch?: string
    offset?: number
    recovered?: boolean
    was_recovering?: boolean
    publications?: { offset: number; data: { clientMessageId: string } }[]
  }
  push?: {
    channel?: string
    pub?: { offset?: number; data: { clientMessageId?: string; code?: string } }
    unsubscribe?: { code: number }
    disconnect?: { code: number; reason: string }
  }
}

/**
 * One connection with one subscription, speaking the Centrifuge protocol (JSON) with as little work as possible: of a
 * publication only the offset and the message's number are looked for. It reconnects, resubscribes from its position,
 * reads history when that is too far back, and repeats unanswered publishes with the same client message id, as an
 * SDK's user would.
 */
export const createLoadClient = (options: LoadClientOptions, events: LoadClientEvents): LoadClient => {
  const { urls, token, channel, run, bodyOf, readPast, random, abandons = 0 } = options
  const pushStart = `{"push":{"channel":"${channel}","pub":{`
  const nameStart = `"clientMessageId":"${run}-`
  const unanswered = new Set<number>()
  let socket: RawSocket | undefined
  let subscribed = false
  let epoch: string | undefined
  let commandId = 0
  let closing = false
  let connections = 0
  let hurries = false
  const inbox = createInbox({ run, readPast }, events)

  const send = (command: object) => {
    socket?.send(JSON.stringify({ id: (commandId = (commandId % (firstPublish - 1)) + 1), ...command }))
  }

  const sendMessage = (message: number) => {
    if (!subscribed || !unanswered.has(message)) return
    const data = { type: 'message.post', clientMessageId: messageName(run, message), body: bodyOf(message) }
    socket?.send(
      `{"id":${message + firstPublish},"publish":{"channel":"${channel}","data":${JSON.stringify(data)}}}`,
    )
  }

  const subscribe = () => {
    const recovery = epoch === undefined ? {} : { recover: true, epoch, offset: events.position() }
    send({ subscribe: { channel, recoverable: true, positioned: true, ...recovery } })
  }

  const onSubscribed = (result: NonNullable<Reply['subscribe']>, now: number) => {
    if (result.was_recovering === true && result.recovered !== true) {
      events.onUnrecovered()
      void inbox.catchUp(result.offset ?? 0)
    }
    if (epoch === undefined) events.onStart(result.offset ?? 0)
    else events.onResumed()
    epoch = result.epoch ?? ''
    for (const { offset, data } of result.publications ?? [])
      events.onDelivery(offset, messageOf(run, data.clientMessageId), now)
    subscribed = true
    for (const message of unanswered) sendMessage(message)
  }

  const onError = (id: number, error: NonNullable<Reply['error']>) => {
    const what = `error ${error.code} ${error.message}`
    if (id < firstPublish) {
      events.onTrouble(`${what} to connect or subscribe`)
      socket?.cut()
      return
    }
    const message = id - firstPublish
    if (error.temporary !== true) {
      unanswered.delete(message)
      events.onRefused(message, what)
      return
    }
    events.onRetry()
    setTimeout(
      () => {
        sendMessage(message)
      },
      between(random, 100, 400),
    )
  }

  const onAcknowledged = (message: number, now: number) => {
    if (unanswered.delete(message)) events.onAcknowledged(message, now)
  }

  const onPush = (push: NonNullable<Reply['push']>, now: number) => {
    const { pub, unsubscribe, disconnect } = push
    if (pub?.offset !== undefined && push.channel === channel)
      inbox.take(pub.offset, messageOf(run, pub.data.clientMessageId ?? ''), now)
    else if (pub !== undefined) events.onTrouble(`rejected: ${pub.data.code ?? 'unknown'}`)
    else if (unsubscribe !== undefined) {
      events.onTrouble(`unsubscribed with ${unsubscribe.code}`)
      inbox.reset()
      subscribe()
    } else if (disconnect !== undefined)
      events.onTrouble(`disconnect ${disconnect.code} ${disconnect.reason}`)
  }

  const onReply = (line: string, now: number) => {
    const reply = JSON.parse(Buffer.from(line, 'latin1').toString()) as Reply
    if (reply.push !== undefined) onPush(reply.push, now)
    else if (reply.id === undefined) socket?.send('{}')
    else if (reply.error !== undefined) onError(reply.id, reply.error)
    else if (reply.connect !== undefined) subscribe()
    else if (reply.subscribe !== undefined) onSubscribed(reply.subscribe, now)
    else if (reply.publish !== undefined) onAcknowledged(reply.id - firstPublish, now)
  }

  const onText = (text: string) => {
    const now = performance.now()
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf('\n', at)
      const end = newline === -1 ? text.length : newline
      if (text.startsWith(pushStart, at)) {
        const offset = text.indexOf('"offset":', at)
        const name = text.indexOf(nameStart, at)
        if (offset !== -1 && offset < end && name !== -1 && name < end)
          inbox.take(digitsAt(text, offset + 9), digitsAt(text, name + nameStart.length), now)
        else onReply(text.slice(at, end), now)
      } else if (text.startsWith('{"id":', at) && text.startsWith('"publish":{}}', end - 13))
        onAcknowledged(digitsAt(text, at + 6) - firstPublish, now)
      else if (end > at) onReply(text.slice(at, end), now)
      at = end + 1
    }
  }

  const connect = () => {
    const url = urls[connections++ % urls.length]
    if (url === undefined) throw new Error('a load client needs an edge')
    socket = openRawSocket(url, {
      onOpen() {
        send({ connect: { token, name: 'load' } })
      },
      onText,
      onClose(code, reason) {
        socket = undefined
        subscribed = false
        inbox.reset()
        if (closing) return
        for (const message of unanswered) {
          if (random() >= abandons) continue
          unanswered.delete(message)
          events.onAbandoned(message)
        }
        events.onTrouble(`connection closed with ${code} ${reason}`.trimEnd())
        events.onReconnect()
        setTimeout(
          () => {
            if (!closing) connect()
          },
          hurries ? 0 : between(random, 100, 1000),
        )
        hurries = false
      },
    })
  }
  connect()

  return {
    publish(message) {
      unanswered.add(message)
      sendMessage(message)
    },
    cut(atOnce = false) {
      hurries = atOnce && socket !== undefined
      socket?.cut()
    },
    close() {
      closing = true
      inbox.reset()
      socket?.cut()
    },
  }
}
