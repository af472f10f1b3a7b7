import { type topics } from '@veza/contracts'
import { beginAnew, type EventMetadata, type EventStore } from '@veza/kit/events'
import { uuidv7 } from '@veza/kit/ids'
import { isUniqueViolation } from '@veza/kit/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { forget, type Role, type Room, type RoomEvent, type Visibility } from '../domain/room.ts'
import { newEpoch } from './epoch.ts'
import { refuseErased } from './erased-users.ts'
import { platformId } from './policies.ts'
import { roomRecord, type RoomRecord } from './publish.ts'
import { applyRoomEvent, insertMember } from './room-rows.ts'
import { type ChatDatabase } from './schema.ts'

/** What is kept of a room itself; who is in it and how far it has come are tables of their own. */
export interface RoomDetails {
  readonly id: string
  readonly name: string
  readonly visibility: Visibility
  readonly ownerId: string
  readonly createdAt: Date
}

/** Who does something, when, and what the audit keeps of it. */
export interface Act {
  readonly actorId: string
  readonly at: Date
  readonly metadata: EventMetadata
}

/** Rooms as they stand, and the events that made them so: one transaction writes both. */
export interface Rooms {
  /** The room with its owner as first member, and a new epoch. */
  create(room: RoomDetails, metadata?: EventMetadata): Promise<void>
  /** The direct room of two people: created if need be, the same however often and whoever asks. */
  openDirect(act: Act, userId: string): Promise<{ readonly roomId: string; readonly isNew: boolean }>
  /** undefined: there is no such room, whoever asks. */
  find(roomId: string, actorId: string, subjectId: string): Promise<Room | undefined>
  /** Decides on the room as it stands, alone with it, and brings about what is decided. Rejects what `decide` throws. */
  change(
    roomId: string,
    subjectId: string,
    act: Act,
    decide: (room: Room | undefined) => readonly RoomEvent[],
  ): Promise<readonly RoomEvent[]>
  /**
   * Ends what a forgotten person is in a room, and waits for what is being written there. Resolves to the room's last
   * offset: nothing of theirs comes behind it.
   */
  forget(roomId: string, act: Act): Promise<number>
  /** false: the same person reported it before, and nobody has looked into it yet. */
  report(act: Act, report: { roomId: string; messageId: string; reason: string }): Promise<boolean>
  /**
   * Settles the open reports of a message once `check` has let the room as it stands pass, and rejects what that throws.
   * false: there were none.
   */
  dismissReports(
    act: Act,
    dismissal: { roomId: string; messageId: string; note: string },
    check: (room: Room | undefined) => void,
  ): Promise<boolean>
  /** The words that no room lets through. */
  blockWords(act: Act, words: readonly string[]): Promise<void>
}

export const streamOf = (roomId: string): string => `room-${roomId}`

type Trx = Transaction<ChatDatabase>

const readRoom = async (
  db: Kysely<ChatDatabase>,
  roomId: string,
  actorId: string,
  subjectId: string,
): Promise<Room | undefined> => {
  const { rows } = await sql<
    Omit<Room, 'blockedWords'> & { blockedWords: string[] | null; actorRole: Role | null }
  >`
    select visibility, archived_at is not null as archived, slow_mode_seconds as "slowModeSeconds",
      words as "blockedWords", actor.role as "actorRole", subject.role as "subjectRole",
      bans.user_id is not null as "subjectBanned", invitations.user_id is not null as "subjectInvited",
      subject.muted_until as "subjectMutedUntil"
    from rooms
    left join members as actor on actor.room_id = rooms.id and actor.user_id = ${actorId}
    left join members as subject on subject.room_id = rooms.id and subject.user_id = ${subjectId}
    left join bans on bans.room_id = rooms.id and bans.user_id = ${subjectId}
    left join invitations on invitations.room_id = rooms.id and invitations.user_id = ${subjectId}
    left join blocked_words on blocked_words.room_id = rooms.id
    where rooms.id = ${roomId}`.execute(db)
  const [row] = rows
  return row && { ...row, blockedWords: row.blockedWords ?? [] }
}

/** @param changed whoever may remember what somebody is in a room is told, as soon as it may become something else */
export const roomStore = (
  db: Kysely<ChatDatabase>,
  events: EventStore<typeof topics.roomEvents>,
  changed: (roomId: string, userId: string, version: number) => void = () => undefined,
): Rooms => {
  const append = async (
    trx: Trx,
    roomId: string,
    records: readonly RoomRecord[],
    metadata: EventMetadata,
  ): Promise<void> => {
    const stream = streamOf(roomId)
    // The room's row is locked, so nobody else appends meanwhile.
    const expectedVersion = await events.currentVersion(trx, stream)
    await events.append(trx, { stream, key: roomId, expectedVersion, events: records, metadata })
    for (const { value } of records)
      if ('userId' in value) changed(roomId, value.userId, expectedVersion + records.length)
  }

  const insert = async (
    trx: Trx,
    room: RoomDetails,
    directKey: string | null,
    members: readonly { userId: string; role: Role }[],
    metadata: EventMetadata,
  ): Promise<void> => {
    const { id, name, visibility, ownerId, createdAt } = room
    await refuseErased(
      trx,
      members.map(({ userId }) => userId),
    )
    await trx
      .insertInto('rooms')
      .values({ id, name, visibility, owner_id: ownerId, created_at: createdAt, direct_key: directKey })
      .execute()
    await trx
      .insertInto('room_heads')
      .values({ room_id: id, epoch: newEpoch(), last_offset: 0, last_message_number: 0 })
      .execute()
    const at = createdAt.getTime()
    const records: RoomRecord[] = [
      {
        type: 'RoomCreated',
        value: { roomId: id, actorId: ownerId, name, visibility, ownerId, happenedAt: at },
      },
    ]
    for (const { userId, role } of members) {
      await insertMember(trx, id, userId, role, createdAt)
      records.push(roomRecord({ type: 'member-added', userId, role }, id, ownerId, at))
    }
    await append(trx, id, records, metadata)
  }

  /** Whoever waited for a room that another one was changing may come too late in its order: they begin anew. */
  const inTransaction = <T>(work: (trx: Trx) => Promise<T>): Promise<T> =>
    beginAnew(5, () => db.transaction().execute(work))

  const lock = async (trx: Trx, roomId: string): Promise<void> => {
    await sql`select 1 from rooms where id = ${roomId} for update`.execute(trx)
  }

  return {
    async create(room, metadata = {}) {
      const members = [{ userId: room.ownerId, role: 'owner' as const }]
      await inTransaction((trx) => insert(trx, room, null, members, metadata))
    },

    async openDirect({ actorId, at, metadata }, userId) {
      const directKey = [actorId, userId].sort().join()
      const find = () =>
        db.selectFrom('rooms').select('id').where('direct_key', '=', directKey).executeTakeFirst()
      const known = await find()
      if (known !== undefined) return { roomId: known.id, isNew: false }
      const room = {
        id: uuidv7(at),
        name: '',
        visibility: 'direct',
        ownerId: actorId,
        createdAt: at,
      } as const
      const members = [...new Set([actorId, userId])].map((id) => ({ userId: id, role: 'member' as const }))
      try {
        await inTransaction((trx) => insert(trx, room, directKey, members, metadata))
        return { roomId: room.id, isNew: true }
      } catch (error) {
        // The other one, or this one on another device, was faster.
        const found = isUniqueViolation(error, 'rooms_direct_key_unique') ? await find() : undefined
        if (found === undefined) throw error
        return { roomId: found.id, isNew: false }
      }
    },

    find: (roomId, actorId, subjectId) => readRoom(db, roomId, actorId, subjectId),

    change: (roomId, subjectId, { actorId, at, metadata }, decide) =>
      inTransaction(async (trx) => {
        await lock(trx, roomId)
        const decided = decide(await readRoom(trx, roomId, actorId, subjectId))
        if (decided.length === 0) return decided
        await refuseErased(
          trx,
          decided.flatMap((event) =>
            event.type === 'member-added' || event.type === 'invited' ? event.userId : [],
          ),
        )
        for (const event of decided) await applyRoomEvent(trx, roomId, actorId, event, at)
        const records = decided.map((event) => roomRecord(event, roomId, actorId, at.getTime()))
        await append(trx, roomId, records, metadata)
        return decided
      }),

    forget: (roomId, { actorId, at, metadata }) =>
      inTransaction(async (trx) => {
        await lock(trx, roomId)
        const { rows: heads } = await sql<{ offset: number }>`
          select last_offset as "offset" from room_heads where room_id = ${roomId} for update`.execute(trx)
        const { rows } = await sql<{ userId: string }>`
          select user_id as "userId" from members where room_id = ${roomId} and user_id <> ${actorId}
          order by role = 'moderator' desc, joined_at, user_id limit 1`.execute(trx)
        const room = await readRoom(trx, roomId, actorId, actorId)
        const decided = room === undefined ? [] : forget(room, actorId, rows[0]?.userId)
        for (const event of decided) await applyRoomEvent(trx, roomId, actorId, event, at)
        const records = decided.map((event) => roomRecord(event, roomId, actorId, at.getTime()))
        if (records.length > 0) await append(trx, roomId, records, metadata)
        return heads[0]?.offset ?? 0
      }),

    report: ({ actorId, at, metadata }, { roomId, messageId, reason }) =>
      inTransaction(async (trx) => {
        await lock(trx, roomId)
        await refuseErased(trx, [actorId])
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('reports')
          .values({ room_id: roomId, message_id: messageId, reporter_id: actorId, reason, reported_at: at })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows === 0n) return false
        const value = { roomId, actorId, messageId, happenedAt: at.getTime() }
        await append(trx, roomId, [{ type: 'MessageReported', value }], metadata)
        return true
      }),

    dismissReports: ({ actorId, at, metadata }, { roomId, messageId, note }, check) =>
      inTransaction(async (trx) => {
        await lock(trx, roomId)
        check(await readRoom(trx, roomId, actorId, actorId))
        const { numDeletedRows } = await trx
          .deleteFrom('reports')
          .where('room_id', '=', roomId)
          .where('message_id', '=', messageId)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) return false
        const value = { roomId, actorId, messageId, note, happenedAt: at.getTime() }
        await append(trx, roomId, [{ type: 'MessageReportsDismissed', value }], metadata)
        return true
      }),

    async blockWords({ actorId, at, metadata }, words) {
      await inTransaction(async (trx) => {
        await sql`insert into blocked_words values (${platformId}, '{}') on conflict do nothing`.execute(trx)
        await sql`select 1 from blocked_words where room_id = ${platformId} for update`.execute(trx)
        const event = { type: 'words-blocked', words } as const
        await applyRoomEvent(trx, platformId, actorId, event, at)
        await append(trx, platformId, [roomRecord(event, platformId, actorId, at.getTime())], metadata)
      })
    },
  }
}
