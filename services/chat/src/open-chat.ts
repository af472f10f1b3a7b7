import { type Codec, topics } from '@veza/contracts'
import { addressBook, auditOf, mountAuditSource } from '@veza/kit/audit'
import { type Caches, uncached } from '@veza/kit/cache'
import { eventStore } from '@veza/kit/events'
import { type Api, type CallerMiddleware, createApi, limitedBearer, openAnswers } from '@veza/kit/http'
import { type Kafka } from '@veza/kit/kafka'
import { localLimiter, sharedLimiter } from '@veza/kit/limits'
import { type Logger } from '@veza/kit/log'
import { mountPersonalData } from '@veza/kit/personal-data'
import { openDatabase } from '@veza/kit/postgres'
import { createSealing, openKeyEncryption } from '@veza/kit/sealing'
import { type Redis } from '@veza/kit/redis'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { lastSeen } from './adapters/last-seen.ts'
import { roomStore } from './adapters/rooms.ts'
import { type ChatDatabase } from './adapters/schema.ts'
import { readPositions } from './adapters/read-positions.ts'
import { noticeRecord } from './adapters/records.ts'
import { withSealedAddresses } from './adapters/sealed-addresses.ts'
import { readUserLogs, type StoredNotice } from './adapters/user-log.ts'
import { changeRoom } from './commands/change-room.ts'
import { createRoom, openDirectRoom } from './commands/create-room.ts'
import { markRead } from './commands/mark-read.ts'
import { blockWordsEverywhere, dismissReports, reportMessage } from './commands/moderate.ts'
import { sendCommand } from './commands/send-command.ts'
import { readAccess, readHeads } from './queries/access.ts'
import { readForwards } from './queries/events.ts'
import { getMessage, offsetAt, readMessages, readThread } from './queries/messages.ts'
import { searchMessages } from './queries/search.ts'
import { searchIndex } from './adapters/search-index.ts'
import { openMemberships } from './queries/membership.ts'
import { listBans, listBlockedWords, listInvitations, listReports } from './queries/moderation.ts'
import { countNotifications, listNotifications } from './queries/notifications.ts'
import { readPersonalData } from './queries/personal-data.ts'
import { getRoom, listMembers, listRooms } from './queries/rooms.ts'
import { mountCommands } from './routes/commands.ts'
import { mountInternal } from './routes/internal.ts'
import { mountMessages } from './routes/messages.ts'
import { mountSearch } from './routes/search.ts'
import { mountModeration } from './routes/moderation.ts'
import { mountNotifications } from './routes/notifications.ts'
import { mountRooms } from './routes/rooms.ts'
import { type ChatSettings } from './settings.ts'

/** What the process around chat gives it, and closes after it. */
export interface ChatCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly verifier: TokenVerifier
  readonly kafka: Pick<Kafka, 'producer'>
  readonly codec: Codec
  /** What limits are counted in for all processes; without it each counts for itself. */
  readonly redis?: Redis | undefined
  /** Of the process; without them every reading is one of the database. */
  readonly caches?: Pick<Caches, 'open'>
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
}

/** Chat, running. */
export interface Chat {
  /** Its public HTTP API. */
  readonly app: Api
  /** Its API for Veza's own processes: the internal listener's app. */
  readonly internal: Api
  /** Readiness: undefined when well, otherwise what is wrong. Without Kafka all but posting works, so it is no part. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  close(): Promise<void>
}

/** Opens chat on its migrated database ('@veza/chat/migrate'). Throws EnvironmentError when no key is configured. */
export const openChat = (settings: ChatSettings, common: ChatCommon): Chat => {
  const { log, telemetry, verifier, kafka, codec, caches = uncached, now = () => new Date() } = common
  const keyEncryption = openKeyEncryption(settings, log)
  const database = openDatabase<ChatDatabase>(settings.CHAT_DATABASE_URL, {
    applicationName: 'chat',
    poolSize: settings.CHAT_DATABASE_CONNECTIONS,
    log,
  })
  const { db } = database
  const producer = kafka.producer({ deliveryTimeoutMs: settings.CHAT_POST_TIMEOUT })
  const addresses = addressBook(createSealing({ db, keyEncryption }), 'chat')
  const memberships = openMemberships(database, caches)
  const store = roomStore(db, eventStore({ topic: topics.roomEvents, codec }), (roomId, userId, version) => {
    memberships.changed(roomId, userId, version)
  })
  const rooms = withSealedAddresses(store, addresses)

  const answers = openAnswers(db, { lifeMs: settings.IDEMPOTENCY_RETENTION, log })
  const rate = { perSecond: settings.COMMAND_RATE, burst: settings.COMMAND_BURST }
  const local = localLimiter(rate, { keys: settings.COMMAND_RATE_USERS })
  const limiter = sharedLimiter('commands', rate, { redis: common.redis, local })
  const writer = limitedBearer(verifier, 'commands', limiter)
  const caller: CallerMiddleware = [writer, answers.once]
  const tell = (notice: StoredNotice): void => {
    producer.send(noticeRecord(codec, '/chat', notice)).catch((error: unknown) => {
      log.warn({ err: error }, 'a read mark was not told: edges find it in the store')
    })
  }
  const read = markRead({ rooms, positions: readPositions(db), tell, now })

  const app = createApi({ log, telemetry })
  mountRooms(app, caller, {
    createRoom: createRoom(rooms, now),
    getRoom: getRoom(db),
    listRooms: listRooms(db),
    openDirectRoom: openDirectRoom(rooms, now),
    changeRoom: changeRoom(rooms, now),
    listMembers: listMembers(db),
    markRead: read,
  })
  mountModeration(app, caller, {
    changeRoom: changeRoom(rooms, now),
    reportMessage: reportMessage(rooms, getMessage(db, memberships), now),
    dismissReports: dismissReports(rooms, getMessage(db, memberships), now),
    blockWordsEverywhere: blockWordsEverywhere(rooms, now),
    listInvitations: listInvitations(db),
    listBans: listBans(db),
    listReports: listReports(db),
    listBlockedWords: listBlockedWords(db),
  })
  mountCommands(app, writer, { sendCommand: sendCommand({ memberships, codec, producer, now }) })
  mountMessages(app, verifier, {
    readMessages: readMessages(database, memberships),
    getMessage: getMessage(db, memberships),
    readThread: readThread(database, memberships),
    offsetAt: offsetAt(db),
  })

  mountSearch(app, verifier, { searchMessages: searchMessages(db, searchIndex(db), memberships) })

  mountNotifications(app, verifier, {
    countNotifications: countNotifications(db),
    listNotifications: listNotifications(db),
  })

  const internal = createApi({ log, telemetry })
  mountInternal(internal, settings.SERVICE_TOKEN, {
    readAccess: readAccess(db),
    readHeads: readHeads(db),
    readForwards: readForwards(db),
    readUserLogs: (positions) => readUserLogs(db, positions),
    markRead: read,
    lastSeen: lastSeen(db),
  })
  const audit = auditOf('chat', { db, topic: topics.roomEvents, codec, addresses })
  mountAuditSource(internal, settings.SERVICE_TOKEN, audit)
  mountPersonalData(internal, settings.SERVICE_TOKEN, 'chat', readPersonalData({ db, audit }))

  return {
    app,
    internal,
    checks: { 'chat-database': () => database.check() },
    async close() {
      await answers.close()
      await producer.close()
      keyEncryption.close()
      await database.close()
    },
  }
}
