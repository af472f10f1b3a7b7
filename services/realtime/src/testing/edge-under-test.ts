import {
  type Codec,
  type MessagePosted,
  type UserNotified,
  connectCodec,
  toHeaders,
  topics,
} from '@veza/contracts'
import { type Kafka, type OutgoingRecord, type Producer, connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import {
  type TestTelemetry,
  type TokenSigner,
  createTokenSigner,
  freshTopic,
  infrastructure,
  testTelemetry,
} from '@veza/kit/testing'
import { type Identity, createTokenVerifier } from '@veza/kit/tokens'
import { randomUUID } from 'node:crypto'
import { createChatApi } from '../adapters/chat-api.ts'
import { type Edge, type EdgeSettings, startEdge } from '../edge.ts'
import { type ChatStub, startChatStub } from './chat-stub.ts'

/** Everything around an edge, real but for chat, whose internal API is a stub. */
export interface World {
  readonly chat: ChatStub
  readonly codec: Codec
  readonly kafka: Kafka
  readonly producer: Producer
  readonly signer: TokenSigner
  readonly telemetry: TestTelemetry
  readonly topicNames: {
    commands: string
    events: string
    notifications: string
    signals: string
    accounts: string
    rooms: string
    listening: string
  }
  /** Says that somebody hears a track, as streams does. */
  report(trackId: string, listenerId: string, state: string): Promise<void>
  /** Tracks that nobody may hear, by their ids, and with a user's id behind it, that this one may not. */
  readonly silent: Set<string>
  /** Tracks: whether it does not answer, and how often it did not. */
  readonly tracks: { away: boolean; unanswered: number }
  /** Starts another edge. It is closed with the world, unless it was before. */
  edge(settings?: PartialSettings, codec?: Codec): Promise<Edge & { url: string }>
  token(userId: string, secondsToLive?: number): Promise<string>
  /** Produces a stored event, as chat-fanout does. */
  emit(...events: MessagePosted[]): Promise<void>
  record(event: MessagePosted): OutgoingRecord
  /** Produces something that a user is told and that is stored, as the worker does. */
  notify(...told: UserNotified[]): Promise<void>
  refuse(userId: string, roomId: string, clientMessageId: string, code: string): Promise<void>
  close(): Promise<void>
}

export type PartialSettings = { readonly [K in keyof EdgeSettings]?: Partial<EdgeSettings[K]> }

export const edgeSettings = (changed: PartialSettings = {}): EdgeSettings => ({
  server: {
    host: '127.0.0.1',
    port: 0,
    maxFrameBytes: 64 * 1024,
    maxBackpressureBytes: 1024 * 1024,
    idleTimeoutSeconds: 120,
    allowedOrigins: ['https://veza.example'],
    ...changed.server,
  },
  session: {
    connectDeadlineMs: 10_000,
    pingIntervalMs: 25_000,
    pongTimeoutMs: 8000,
    expiryGraceMs: 25_000,
    commandRate: { perSecond: 1000, burst: 1000 },
    maxSubscriptions: 256,
    maxConnectionsPerUser: 64,
    recoveryLimit: 300,
    ...changed.session,
  },
  rooms: { ringEvents: 300, ringBytes: 2 ** 26, maxWaiting: 1000, idleMs: 60_000, ...changed.rooms },
  membership: { freshMs: 5000, staleMs: 60_000, maxEntries: 10_000, ...changed.membership },
  presence: { ttlMs: 15_000, maxListed: 500, spreadMs: 100, ...changed.presence },
  listeners: { ttlMs: 30_000, everyMs: 50, maxCounted: 1_000, ...changed.listeners },
  headsIntervalMs: changed.headsIntervalMs ?? 30_000,
  followersIntervalMs: changed.followersIntervalMs ?? 30_000,
  lastSeenIntervalMs: changed.lastSeenIntervalMs ?? 300_000,
  tickMs: changed.tickMs ?? 20,
  drainWindowMs: changed.drainWindowMs ?? 50,
})

export const identityOf = (userId: string, secondsToLive: number): Identity => ({
  userId,
  name: 'Test',
  roles: [],
  scopes: [],
  sessionId: randomUUID(),
  expiresAt: Math.floor(Date.now() / 1000) + secondsToLive,
})

export const startWorld = async (): Promise<World> => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const log = createLog('test', 'silent')
  const kafka = connectKafka(kafkaBrokers, { clientId: 'realtime-test', log })
  const [commands, events, notifications, signals, accounts, roomEvents, listening] = await Promise.all([
    freshTopic({ prefix: 'commands' }),
    freshTopic({ prefix: 'events', partitions: 2 }),
    freshTopic({ prefix: 'notifications' }),
    freshTopic({ prefix: 'signals', partitions: 2 }),
    freshTopic({ prefix: 'accounts' }),
    freshTopic({ prefix: 'rooms' }),
    freshTopic({ prefix: 'listening' }),
  ])
  const topicNames = {
    commands: commands.name,
    events: events.name,
    notifications: notifications.name,
    signals: signals.name,
    accounts: accounts.name,
    rooms: roomEvents.name,
    listening: listening.name,
  }
  const chat = await startChatStub()
  const signer = await createTokenSigner()
  const telemetry = testTelemetry()
  const producer = kafka.producer()
  const silent = new Set<string>()
  const tracks = { away: false, unanswered: 0 }
  const running: (() => Promise<void>)[] = []

  const record = (event: MessagePosted): OutgoingRecord => ({
    topic: topicNames.events,
    key: event.roomId,
    value: codec.encode(topics.chatEvents, 'MessagePosted', event),
    headers: toHeaders({ id: event.messageId, type: 'MessagePosted', source: '/test', time: event.postedAt }),
  })

  return {
    chat,
    codec,
    kafka,
    producer,
    signer,
    telemetry,
    topicNames,
    record,
    silent,
    tracks,

    async report(trackId, listenerId, state) {
      const reportedAt = Date.now()
      const unsaid = { durationMs: 240_000, ownerId: null, addressTag: null }
      const value = {
        trackId,
        listenerId,
        state,
        sessionId: randomUUID(),
        positionMs: 1_000,
        reportedAt,
        ...unsaid,
      }
      await producer.send({
        topic: listening.name,
        key: trackId,
        value: codec.encode(topics.listeningEvents, 'ListeningReported', value),
        headers: toHeaders({
          ...{ id: randomUUID(), type: 'ListeningReported', source: '/test', time: reportedAt },
        }),
      })
    },

    async edge(settings, ownCodec = codec) {
      const edge = await startEdge({
        settings: edgeSettings(settings),
        kafka,
        codec: ownCodec,
        chat: createChatApi({ url: chat.url, serviceToken: chat.serviceToken, timeoutMs: 5000 }),
        tracks: {
          mayHear(pairs) {
            if (tracks.away) return Promise.reject(new Error(`away ${++tracks.unanswered} times`))
            return Promise.resolve(
              pairs.map(({ trackId, userId }) => !silent.has(trackId) && !silent.has(trackId + userId)),
            )
          },
        },
        tokens: createTokenVerifier({
          keys: (kid) => signer.keys(kid),
          issuer: signer.issuer,
          audience: signer.audience,
        }),
        telemetry,
        log,
        topicNames,
      })
      let closed: Promise<void> | undefined
      const close = (): Promise<void> => (closed ??= edge.close())
      running.push(close)
      return { ...edge, close, url: `ws://127.0.0.1:${edge.port}/connection/websocket` }
    },

    token: (userId, secondsToLive = 600) => signer.sign(identityOf(userId, secondsToLive)),
    emit: (...stored) => producer.sendAll(stored.map(record)),

    notify: (...told) =>
      producer.sendAll(
        told.map((event) => ({
          topic: topicNames.notifications,
          key: event.userId,
          value: codec.encode(topics.notifications, 'UserNotified', event),
          headers: toHeaders({ id: randomUUID(), type: 'UserNotified', source: '/test', time: event.at }),
        })),
      ),

    refuse: (userId, roomId, clientMessageId, code) =>
      producer.send({
        topic: topicNames.notifications,
        key: userId,
        value: codec.encode(topics.notifications, 'CommandRefused', {
          userId,
          roomId,
          clientMessageId,
          code,
          refusedAt: Date.now(),
        }),
        headers: toHeaders({ id: randomUUID(), type: 'CommandRefused', source: '/test', time: Date.now() }),
      }),

    async close() {
      await Promise.all(running.map((close) => close()))
      await producer.close()
      await kafka.close()
      await telemetry.close()
      await chat.close()
      const created = [commands, events, notifications, signals, accounts, roomEvents, listening]
      await Promise.all(created.map((topic) => topic.drop()))
    },
  }
}
