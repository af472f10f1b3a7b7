import { type Codec, type RecordOf, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { randomUUID } from 'node:crypto'
import { type Presence } from '../presence/presence.ts'
import { disconnects } from '../protocol/codes.ts'
import { type Typing } from '../typing.ts'
import { type Users } from '../users.ts'
import { type Reader, createReader } from './reader.ts'

/** What edges tell each other. */
export type Signal = RecordOf<typeof topics.chatSignals>

const keyOf = ({ type, value }: Signal): string => {
  switch (type) {
    case 'PresenceChanged':
    case 'TypingStarted':
      return value.roomId
    case 'EdgeSeen':
      return value.edgeId
    case 'DisconnectRequested':
      return value.userId
  }
}

export interface SignalsOptions {
  readonly producer: Producer
  readonly codec: Codec
  /** The topic's name. */
  readonly topic: string
  readonly now: () => number
}

/** Tells all edges, this one too. Resolves when the brokers have it; rejects ProduceFailed or QueueFull. */
export const createSignals = ({ producer, codec, topic, now }: SignalsOptions) =>
  function signal(sent: Signal): Promise<void> {
    return producer.send({
      topic,
      key: keyOf(sent),
      value: codec.encode(topics.chatSignals, sent.type, sent.value),
      headers: toHeaders({ id: randomUUID(), type: sent.type, source: '/realtime', time: now() }),
    })
  }

/** Hands on what the edges tell each other. */
export const readSignals = (
  codec: Codec,
  to: { readonly presence: Presence; readonly typing: Typing; readonly users: Users },
): Reader =>
  createReader(
    codec,
    topics.chatSignals,
    // Of another edge one knows no more than its id.
    () => true,
    (signal) => {
      switch (signal.type) {
        case 'PresenceChanged':
          to.presence.onChange(signal.value)
          return
        case 'EdgeSeen':
          to.presence.onEdge(signal.value)
          return
        case 'TypingStarted':
          to.typing.onStart(signal.value)
          return
        case 'DisconnectRequested': {
          const { userId, sessionId, mayReturn } = signal.value
          const how = mayReturn ? disconnects.forceReconnect : disconnects.forceNoReconnect
          to.users.disconnect(userId, sessionId ?? undefined, how)
        }
      }
    },
  )
