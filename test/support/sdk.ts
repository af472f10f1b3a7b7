import {
  channels,
  type NotificationPublication,
  type RejectedPublication,
  type RoomPublication,
  type TrackPublication,
  type UserPublication,
} from '@veza/contracts'
import { Centrifuge, type Options, type Subscription } from 'centrifuge'
import { WebSocket } from 'ws'

type Posted = Extract<RoomPublication, { type: 'message.posted' }>

/** What a subscriber saw. */
export interface Seen extends Posted {
  readonly offset: number
  /** When it came, epoch milliseconds. */
  readonly at: number
}

/** A subscription to a room and what came of it. */
export interface Listener {
  readonly subscription: Subscription
  /** The posts. */
  readonly seen: readonly Seen[]
  /** All publications, with their offsets. */
  readonly events: readonly (RoomPublication & { readonly offset: number })[]
  /** How each (re)subscription came about. */
  readonly subscribed: readonly { readonly wasRecovering: boolean; readonly recovered: boolean }[]
  /** Posts. Rejects with the protocol's error. */
  post(clientMessageId: string, body: string): Promise<void>
}

/** The official client, unmodified, of one person. */
export interface SdkClient {
  readonly client: Centrifuge
  /** Refusals that came on the person's own channel. */
  readonly refusals: readonly RejectedPublication[]
  /** What the person was told of rooms, in the order of arrival, with its place in their log. */
  readonly notices: readonly (NotificationPublication & { readonly offset: number })[]
  /** Subscriptions to the person's own channel, one a connection. */
  readonly own: readonly { readonly wasRecovering: boolean; readonly recovered: boolean }[]
  /** What was told of tracks, in the order of arrival. */
  readonly tracks: readonly TrackPublication[]
  /** Resolves when subscribed. */
  listen(roomId: string): Promise<Listener>
  /** Breaks the connection as a network would: no closing handshake. */
  cut(): void
  close(): void
}

/**
 * Connects. Resolves when connected.
 *
 * @param ws one endpoint, or several that take turns each time that it connects, as behind a gateway
 */
export const connectSdk = async (
  ws: string | readonly string[],
  token: string,
  options: Partial<Options> = {},
): Promise<SdkClient> => {
  const sockets: WebSocket[] = []
  const endpoints = typeof ws === 'string' ? [ws] : ws
  class TrackedWebSocket extends WebSocket {
    constructor(address: string, ...parameters: unknown[]) {
      const [protocols] = parameters as [string[] | undefined]
      super(endpoints[sockets.length % endpoints.length] ?? address, protocols)
      sockets.push(this)
    }
  }
  const client = new Centrifuge(endpoints[0] ?? '', { token, websocket: TrackedWebSocket, ...options })
  const refusals: RejectedPublication[] = []
  const tracks: TrackPublication[] = []
  const notices: (NotificationPublication & { offset: number })[] = []
  const own: { wasRecovering: boolean; recovered: boolean }[] = []
  client.on('publication', ({ data, offset = 0 }) => {
    const publication = data as UserPublication
    if (publication.type === 'track') tracks.push(publication)
    else if (publication.type === 'rejected') refusals.push(publication)
    else notices.push({ ...publication, offset })
  })
  client.on('subscribed', ({ wasRecovering, recovered }) => own.push({ wasRecovering, recovered }))
  client.connect()
  await client.ready(30_000)

  return {
    client,
    refusals,
    notices,
    own,
    tracks,
    async listen(roomId) {
      const subscription = client.newSubscription(channels.room(roomId))
      const seen: Seen[] = []
      const events: (RoomPublication & { offset: number })[] = []
      const subscribed: { wasRecovering: boolean; recovered: boolean }[] = []
      subscription.on('publication', ({ data, offset = 0 }) => {
        const event = { ...(data as RoomPublication), offset }
        events.push(event)
        if (event.type === 'message.posted') seen.push({ ...event, at: Date.now() })
      })
      subscription.on('subscribed', ({ wasRecovering, recovered }) => {
        subscribed.push({ wasRecovering, recovered })
      })
      subscription.subscribe()
      await subscription.ready(30_000)
      return {
        subscription,
        seen,
        events,
        subscribed,
        async post(clientMessageId, body) {
          await subscription.publish({ type: 'message.post', clientMessageId, body })
        },
      }
    },
    cut() {
      sockets.at(-1)?.terminate()
    },
    close() {
      client.disconnect()
    },
  }
}
