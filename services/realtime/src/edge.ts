import { type Codec, topics } from '@veza/contracts'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { randomUUID } from 'node:crypto'
import { type ChatApi } from './adapters/chat-api.ts'
import { readAccounts } from './adapters/accounts.ts'
import { createMembership } from './adapters/membership.ts'
import { readNotifications } from './adapters/notifications.ts'
import { readListening } from './adapters/listening.ts'
import { readRoomMembers } from './adapters/room-members.ts'
import { createPosts } from './adapters/posts.ts'
import { type Signal, createSignals, readSignals } from './adapters/signals.ts'
import { createTail } from './adapters/tail.ts'
import { type TracksApi } from './adapters/tracks-api.ts'
import { createLastSeenWriter } from './last-seen.ts'
import { createListeners, type ListenersSettings } from './listeners.ts'
import { type PresenceSettings, createPresence } from './presence/presence.ts'
import { reviewFollowers } from './review-followers.ts'
import { createFiller } from './rooms/fill.ts'
import { type RoomsSettings, createRooms } from './rooms/rooms.ts'
import { type ServerSettings, createServer } from './server.ts'
import { type SessionSettings } from './session-context.ts'
import { createTyping } from './typing.ts'
import { createUserLogs } from './user-logs.ts'
import { createUsers } from './users.ts'
import { nativeWebSockets } from './websockets.ts'

export interface EdgeSettings {
  readonly server: ServerSettings
  readonly session: SessionSettings
  readonly rooms: RoomsSettings
  readonly membership: { readonly freshMs: number; readonly staleMs: number; readonly maxEntries: number }
  readonly presence: PresenceSettings
  readonly listeners: ListenersSettings
  readonly headsIntervalMs: number
  /** Between two looks at whether those who follow a track may still hear it. */
  readonly followersIntervalMs: number
  /** Between two writes of when those were last seen who stay connected. */
  readonly lastSeenIntervalMs: number
  /** How often deadlines of connections are looked at. */
  readonly tickMs: number
  readonly drainWindowMs: number
}

export interface EdgeOptions {
  readonly settings: EdgeSettings
  readonly kafka: Kafka
  readonly codec: Codec
  readonly chat: ChatApi
  readonly tracks: TracksApi
  readonly tokens: TokenVerifier
  readonly telemetry: Pick<Telemetry, 'tracer' | 'startTrace' | 'meter'>
  readonly log: Logger
  /** The catalogue's, unless a test has its own. */
  readonly topicNames?: Readonly<Record<keyof typeof catalogue, string>>
}

/** A running edge. */
export interface Edge {
  readonly port: number
  /** What keeps it from serving, or undefined. */
  check(): string | undefined
  /** Has the connections of a user (of one session, if given) closed at every edge. Rejects when Kafka can't be told. */
  disconnect(userId: string, sessionId: string | undefined, mayReturn: boolean): Promise<void>
  /** Lets go of the connections, then of Kafka; what was accepted is sent before that. */
  close(): Promise<void>
}

const catalogue = {
  commands: topics.chatCommands.name,
  events: topics.chatEvents.name,
  notifications: topics.notifications.name,
  signals: topics.chatSignals.name,
  accounts: topics.authEvents.name,
  rooms: topics.roomEvents.name,
  listening: topics.listeningEvents.name,
}

// What chat has stored a second ago and Kafka has not brought is worth a request.
const headsGraceMs = 1000
const reportIntervalMs = 1000
const presenceTickMs = 100
// Signals that the brokers don't take at once are better dropped.
const signalQueue = { maxQueuedRecords: 20_000, maxQueuedBytes: 8 * 2 ** 20 }

/** Starts an edge: resolves when it is at the end of its topics and listens. */
export const startEdge = async (options: EdgeOptions): Promise<Edge> => {
  const { settings, kafka, codec, chat, tracks, tokens, telemetry, log, topicNames = catalogue } = options
  const { tracer, startTrace, meter } = telemetry
  const now = Date.now
  const library = nativeWebSockets()

  const dropped = meter.createCounter('ws_dropped_total', {
    description: 'Connections that the edge closed, by reason',
  })
  const delay = meter.createHistogram('event_to_socket', {
    unit: 's',
    description: 'From an event being posted to its handing over to the sockets; the oldest of each batch',
  })
  const onDropped = (reason: string): void => {
    dropped.add(1, { reason })
  }

  const { publish, listen } = createServer({ library, settings: settings.server, log, onDropped })
  const rooms = createRooms({
    settings: settings.rooms,
    publish,
    onGap: (room) => {
      filler.fill(room)
    },
    onForeignEpoch: (room) => {
      filler.compare([room], 0)
    },
    now,
  })
  const filler = createFiller({ rooms, source: chat, log })
  const users = createUsers((userId) => {
    lastSeen.left(userId)
  })
  const userLogs = createUserLogs({
    source: chat,
    lead(roomId, offset) {
      const room = rooms.get(roomId)
      return room?.epoch !== undefined && room.offset < offset ? filler.catchUp(room) : undefined
    },
    publish,
    disconnect: (userId, how) => {
      users.disconnect(userId, undefined, how)
    },
    log,
  })
  const membership = createMembership({ chat, ...settings.membership, now })
  const producer = kafka.producer()

  let reportedAt = 0
  const report = (error: unknown): void => {
    // A broker or chat being away fails every command: once a second says as much.
    if (now() - reportedAt < reportIntervalMs) return
    reportedAt = now()
    log.warn({ err: error }, 'could not do what a client asked for')
  }
  const lastSeen = createLastSeenWriter({
    write: (seen) => chat.noteSeen(seen),
    connected: () => users.all(),
    intervalMs: settings.lastSeenIntervalMs,
    report,
    now,
  })
  const signalProducer = kafka.producer(signalQueue)
  const sendSignal = createSignals({ producer: signalProducer, codec, topic: topicNames.signals, now })
  const signal = (sent: Signal): void => void sendSignal(sent).catch(report)
  const presence = createPresence({
    edgeId: randomUUID(),
    settings: settings.presence,
    send: signal,
    publish,
    now,
    random: Math.random,
  })
  const { maxListed } = settings.presence
  const typing = createTyping({ rooms, publish, signal, maxAudience: maxListed, now })
  const listeners = createListeners({ settings: settings.listeners, publish, now })
  const review = reviewFollowers({ listeners, mayHear: (pairs) => tracks.mayHear(pairs), report })
  const tail = createTail({
    codec,
    rooms,
    onDoubt: (room) => {
      filler.compare([room], 0)
    },
    readers: new Map([
      [topicNames.notifications, readNotifications(codec, { users, userLogs }, publish)],
      [topicNames.signals, readSignals(codec, { presence, typing, users })],
      [topicNames.accounts, readAccounts(codec, users)],
      [topicNames.rooms, readRoomMembers(codec, { membership, users })],
      [topicNames.listening, readListening(codec, listeners)],
    ]),
    tracer,
    log,
    eventsTopic: topicNames.events,
    observeDelay: (seconds) => {
      delay.record(seconds)
    },
    now,
  })
  const consumers = await Promise.all([
    // By itself: each fetch costs by the partitions that it asks for, and of this one there are many a second.
    kafka.consume({
      topics: [topicNames.events],
      from: 'end',
      onRecords: tail,
      onJoin: () => {
        filler.compare(rooms.all(), headsGraceMs)
      },
    }),
    kafka.consume({
      topics: [
        ...[topicNames.notifications, topicNames.signals, topicNames.accounts, topicNames.rooms],
        topicNames.listening,
      ],
      from: 'end',
      onRecords: tail,
      onJoin: () => {
        userLogs.doubt()
        presence.doubt()
      },
    }),
  ])
  const server = await listen({
    settings: settings.session,
    tokens,
    membership,
    rooms,
    filler,
    source: chat,
    users,
    userLogs,
    presence,
    typing,
    listeners,
    mayHear: (pairs) => tracks.mayHear(pairs),
    markRead: (...mark) => chat.markRead(...mark),
    storedLastSeen: (...asked) => chat.lastSeen(...asked),
    post: createPosts({ producer, codec, startTrace, topic: topicNames.commands, now }),
    report,
    now,
  })

  const gauges = {
    connections: meter.createObservableGauge('ws_connections', { description: 'Open connections' }),
    rooms: meter.createObservableGauge('ws_rooms', { description: 'Rooms that are followed' }),
    ringBytes: meter.createObservableGauge('ws_ring', {
      unit: 'By',
      description: 'Publications kept for recovery',
    }),
    filled: meter.createObservableCounter('ws_filled_events_total', {
      description: 'Events that Kafka did not bring in time',
    }),
    resets: meter.createObservableCounter('ws_room_resets_total', {
      description: 'Rooms whose epoch changed',
    }),
  }
  meter.addBatchObservableCallback((result) => {
    result.observe(gauges.connections, server.connections)
    result.observe(gauges.rooms, rooms.size)
    result.observe(gauges.ringBytes, rooms.ringBytes)
    result.observe(gauges.filled, filler.stats.filled)
    result.observe(gauges.resets, filler.stats.resets)
  }, Object.values(gauges))

  const timers = [
    setInterval(() => {
      server.tick(now())
      rooms.sweep()
      lastSeen.tick()
    }, settings.tickMs),
    setInterval(() => {
      filler.compare(rooms.all(), headsGraceMs)
      userLogs.doubt()
    }, settings.headsIntervalMs),
    setInterval(() => void review(), settings.followersIntervalMs),
    setInterval(() => {
      presence.tick()
      listeners.tick()
    }, presenceTickMs),
  ]

  return {
    port: server.port,
    check() {
      if (!consumers.every(({ healthy }) => healthy)) return 'not reading from Kafka'
      if (!producer.healthy) return 'the last write to Kafka failed'
      return chat.reached ? undefined : 'chat has not answered yet'
    },
    disconnect: (userId, sessionId, mayReturn) =>
      sendSignal({
        type: 'DisconnectRequested',
        value: { userId, sessionId: sessionId ?? null, mayReturn, requestedAt: now() },
      }),
    async close() {
      await server.drain(settings.drainWindowMs)
      for (const timer of timers) clearInterval(timer)
      filler.close()
      userLogs.close()
      server.close()
      presence.close()
      await lastSeen.close()
      await Promise.all([producer.close(), signalProducer.close()])
      await Promise.all(consumers.map((consumer) => consumer.stop()))
    },
  }
}
