import { randomUUID } from 'node:crypto'
import { uuidv7 } from '@veza/kit/ids'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { type FreshDatabase, freshDatabase, infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll } from 'vitest'
import { outcomeIdOf } from '../domain/outcome-id.ts'
import { type ChatCommand, type Codec, connectCodec, topics } from '@veza/contracts'
import { eventStore } from '@veza/kit/events'
import { type Outcome } from '../domain/event.ts'
import { type Command } from '../domain/message.ts'
import { migrateChat } from '../migrate.ts'
import { roomStore } from '../adapters/rooms.ts'
import { type ChatDatabase } from '../adapters/schema.ts'

/** Rooms of a database of the test file's own. */

let fresh: FreshDatabase
export let database: Database<ChatDatabase>
let codec: Codec

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const { schemaRegistryUrl } = infrastructure()
    codec = await connectCodec(schemaRegistryUrl)
    fresh = await freshDatabase()
    await migrateChat(fresh.url)
    const log = createLog('test', 'silent')
    database = openDatabase<ChatDatabase>(fresh.url, {
      applicationName: 'test',
      poolSize: 10,
      pipeline: true,
      log,
    })
  })

  afterAll(async () => {
    await database.close()
    await fresh.drop()
  })
}

export const store = () => roomStore(database.db, eventStore({ topic: topics.roomEvents, codec }))
export const join = async (roomId: string, userId: string): Promise<void> => {
  const act = { actorId: userId, at: new Date(), metadata: {} }
  await store().change(roomId, userId, act, () => [{ type: 'member-added', userId, role: 'member' }])
}

export const newRoom = async (): Promise<{ roomId: string; ana: string }> => {
  const [id, ana] = [uuidv7(new Date()), randomUUID()]
  const room = { id, name: 'room', visibility: 'private', ownerId: ana, createdAt: new Date() } as const
  await store().create(room)
  return { roomId: id, ana }
}

type Fields<C = ChatCommand> = C extends ChatCommand ? Omit<C, 'clientMessageId'> : never

export const command = (
  roomId: string,
  senderId: string,
  clientMessageId: string,
  fields: Fields | { code: 'invalid-client-message-id' | 'body-too-long' },
): Command => ({
  eventId: outcomeIdOf(roomId, senderId, clientMessageId),
  roomId,
  senderId,
  clientMessageId,
  content: 'code' in fields ? fields : { ...fields, clientMessageId },
})

export const plain = {
  type: 'message.post',
  replyTo: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
} as const

export const post = (roomId: string, senderId: string, clientMessageId: string, body = 'hello'): Command =>
  command(roomId, senderId, clientMessageId, { ...plain, body })

export const offsets = (outcomes: readonly Outcome[]) =>
  outcomes.map((o) => (o.type === 'refused' ? o.code : o.offset))
export const dense = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
export const eventsOf = (roomId: string) =>
  database.db.selectFrom('room_events').selectAll().where('room_id', '=', roomId).orderBy('offset').execute()
export const headOf = (roomId: string) =>
  database.db.selectFrom('room_heads').selectAll().where('room_id', '=', roomId).executeTakeFirstOrThrow()

export const addMember = async (roomId: string): Promise<string> => {
  const userId = randomUUID()
  await join(roomId, userId)
  return userId
}
