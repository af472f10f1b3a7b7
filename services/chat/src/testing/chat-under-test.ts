import { randomUUID } from 'node:crypto'
import { type ChatCommand, type Codec, connectCodec, topics } from '@veza/contracts'
import { type Caches } from '@veza/kit/cache'
import { type EventStore, eventStore } from '@veza/kit/events'
import { connectKafka, type OutgoingRecord, type Producer } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import {
  createTokenSigner,
  freshDatabase,
  freshTopic,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
} from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { type Chat, openChat } from '../index.ts'
import { migrateChat } from '../migrate.ts'
import { type ChatSettings } from '../settings.ts'
import { type ChatDatabase, type Command, outcomeIdOf, type Outcome, roomLog } from '../store.ts'

export const serviceToken = 'a-service-token-for-tests'

/** An answer, read. */
export interface Answer<B> {
  readonly status: number
  readonly headers: Headers
  readonly body: B
}
export interface ProblemBody {
  readonly code: string
}

export interface RoomBody {
  id: string
  name: string
  role: string | null
}
export interface RoomPage {
  rooms: RoomBody[]
  next: string | null
}
export interface UnreadBody {
  readNumber: number
  messages: number
  mentions: number
}
export interface MemberPage {
  members: { userId: string }[]
  next: string | null
}
export interface MessageBody {
  offset: number
  messageId: string
  body: string
}
export interface MessagePage {
  epoch: string
  offset: number
  messages: MessageBody[]
  next: string | null
  previous: string | null
}

/** What a person asks, without the name that they give it. */
export type Fields<C = ChatCommand> = C extends ChatCommand ? Omit<C, 'clientMessageId'> : never

export const readAnswer = async <B>(response: Response): Promise<Answer<B>> => {
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : JSON.parse(text)) as B,
  }
}

/** Somebody who is signed in. */
export interface TestPerson {
  readonly userId: string
  readonly token: string
  readonly call: <B = ProblemBody>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer<B>>
  createRoom(visibility: 'public' | 'private', name?: string): Promise<string>
}

/** Chat on a database and a topic of its own. */
export interface ChatUnderTest {
  readonly chat: Chat
  readonly codec: Codec
  readonly database: Database<ChatDatabase>
  readonly databaseUrl: string
  readonly store: EventStore<typeof topics.roomEvents>
  /** What chat produced, whatever the topic; it went to one of this test's own. */
  readonly sent: OutgoingRecord[]
  /** What the producer does instead of sending, until told otherwise. */
  failKafka(error: Error | undefined): void
  person(roles?: string[]): Promise<TestPerson>
  /** Asks the internal API. */
  internally<B>(method: string, path: string, body?: unknown, token?: string): Promise<Answer<B>>
  /** Gives commands their outcomes, as chat-fanout does. */
  settle(commands: readonly Command[], at?: number): Promise<Outcome[]>
  /** What a person asks of a room, as a command. */
  command(roomId: string, senderId: string, content: ChatCommand): Command
  /** Posts messages; each text is its clientMessageId too. */
  say(roomId: string, senderId: string, texts: readonly string[], at?: number): Promise<Outcome[]>
  /** The events of a room, or of Veza's own blocklist, in order. */
  auditOf(roomId: string): Promise<{ type: string; actor: string | undefined; value: object }[]>
  close(): Promise<void>
}

/** @param settings other than the usual ones of a test */
export const chatUnderTest = async (
  settings: Partial<ChatSettings> = {},
  { caches }: { readonly caches?: Pick<Caches, 'open'> } = {},
): Promise<ChatUnderTest> => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const log = createLog('test', 'silent')
  const telemetry = testTelemetry()
  const topic = await freshTopic({ prefix: 'chat.commands' })
  const fresh = await freshDatabase()
  await migrateChat(fresh.url)
  const signer = await createTokenSigner()
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  const codec = await connectCodec(schemaRegistryUrl)
  const database = openDatabase<ChatDatabase>(fresh.url, {
    applicationName: 'test',
    poolSize: 5,
    pipeline: true,
    log,
  })
  const store = eventStore({ topic: topics.roomEvents, codec })
  const sent: OutgoingRecord[] = []
  let kafkaFailure: Error | undefined
  const toOwnTopic = (producer: Producer): Producer => ({
    ...producer,
    healthy: true,
    async send(record) {
      if (kafkaFailure !== undefined) throw kafkaFailure
      sent.push(record)
      await producer.send({ ...record, topic: topic.name })
    },
  })
  const chat = openChat(
    {
      ...testKeyEncryption(),
      CHAT_DATABASE_URL: fresh.url,
      SERVICE_TOKEN: serviceToken,
      CHAT_DATABASE_CONNECTIONS: 5,
      CHAT_POST_TIMEOUT: 5_000,
      COMMAND_RATE: 1_000,
      COMMAND_BURST: 10_000,
      COMMAND_RATE_USERS: 1_000,
      IDEMPOTENCY_RETENTION: 86_400_000,
      ...settings,
    },
    {
      ...{ log, telemetry, codec },
      verifier: createTokenVerifier(signer),
      ...(caches === undefined ? {} : { caches }),
      kafka: { producer: (settings) => toOwnTopic(kafka.producer(settings)) },
    },
  )
  const settle: ChatUnderTest['settle'] = (commands, at = Date.now()) =>
    roomLog(database, () => new Date(at)).settle(commands)
  const command: ChatUnderTest['command'] = (roomId, senderId, content) => ({
    eventId: outcomeIdOf(roomId, senderId, content.clientMessageId),
    ...{ roomId, senderId, clientMessageId: content.clientMessageId, content },
  })

  return {
    ...{ chat, codec, database, databaseUrl: fresh.url, sent, settle, command },
    store,
    async auditOf(roomId) {
      const events = await store.readStream(database.db, `room-${roomId}`)
      return events.map(({ type, metadata, value }) => ({ type, actor: metadata.actor, value }))
    },
    failKafka(error) {
      kafkaFailure = error
    },
    async person(roles = []) {
      const userId = randomUUID()
      const expiresAt = Math.floor(Date.now() / 1000) + 600
      const token = await signer.sign({ userId, name: 'Ana', roles, sessionId: randomUUID(), expiresAt })
      const call: TestPerson['call'] = async (method, path, body, headers = {}) =>
        readAnswer(
          await chat.app.request(path, {
            method,
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          }),
        )
      return {
        ...{ userId, token, call },
        async createRoom(visibility, name = 'Ambient') {
          return (await call<{ id: string }>('POST', '/v1/rooms', { name, visibility })).body.id
        },
      }
    },
    internally: async (method, path, body, token = serviceToken) =>
      readAnswer(
        await chat.internal.request(path, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    say: (roomId, senderId, texts, at) =>
      settle(
        texts.map((body) =>
          command(roomId, senderId, {
            ...{ type: 'message.post', clientMessageId: body, body },
            ...{ replyTo: null, mentions: [], trackId: null, trackPositionMs: null },
          }),
        ),
        at,
      ),
    async close() {
      await chat.close()
      await kafka.close()
      await database.close()
      await fresh.drop()
      await topic.drop()
      await telemetry.close()
    },
  }
}
