import { type Kysely, sql, type Transaction } from 'kysely'
import { type Notice } from '../domain/notice.ts'
import { newEpoch } from './epoch.ts'
import { type ChatDatabase } from './schema.ts'
import { waitingCounts } from './waiting.ts'

/** A notice at its place in the user's log, with what waited for them when it was written. */
export interface StoredNotice extends Notice {
  readonly epoch: string
  /** From 1, without gaps. */
  readonly offset: number
  /** Of the room that it is about; null when they are not in it. */
  readonly unread: { readonly messages: number; readonly mentions: number } | null
  readonly counts: {
    readonly mentions: number
    readonly directMessages: number
    readonly invitations: number
  }
}

type NoticeRow = ChatDatabase['user_events']

const readNotice = (row: NoticeRow, epoch: string): StoredNotice => ({
  userId: row.user_id,
  epoch,
  offset: row.offset,
  sourceId: row.source_id,
  type: row.type,
  roomId: row.room_id,
  roomOffset: row.room_offset,
  messageId: row.message_id,
  messageNumber: row.message_number,
  senderId: row.sender_id,
  at: row.at,
  unread:
    row.unread_messages === null || row.unread_mentions === null
      ? null
      : { messages: row.unread_messages, mentions: row.unread_mentions },
  counts: {
    mentions: row.mentions,
    directMessages: row.direct_messages,
    invitations: row.invitations,
  },
})

const rowOf = (notice: StoredNotice): NoticeRow => ({
  user_id: notice.userId,
  offset: notice.offset,
  source_id: notice.sourceId,
  type: notice.type,
  room_id: notice.roomId,
  room_offset: notice.roomOffset,
  message_id: notice.messageId,
  message_number: notice.messageNumber,
  sender_id: notice.senderId,
  at: notice.at,
  unread_messages: notice.unread?.messages ?? null,
  unread_mentions: notice.unread?.mentions ?? null,
  mentions: notice.counts.mentions,
  direct_messages: notice.counts.directMessages,
  invitations: notice.counts.invitations,
})

const pair = (userId: string, other: string) => `${userId} ${other}`

/** In the order of ids, so that two who have users in common wait for each other but never in a circle. */
const lockHeads = async (trx: Transaction<ChatDatabase>, users: readonly string[]) => {
  await sql`
    insert into user_heads (user_id, epoch) select id, ${newEpoch()} from unnest(${users}::uuid[]) as id order by id
    on conflict do nothing`.execute(trx)
  const { rows } = await sql<{ userId: string; epoch: string; offset: number }>`
    select user_id as "userId", epoch, last_offset as "offset" from user_heads
    where user_id = any(${users}::uuid[]) order by user_id for update`.execute(trx)
  return new Map(rows.map((row) => [row.userId, row]))
}

const waitingFor = async (trx: Transaction<ChatDatabase>, users: readonly string[]) => {
  const { rows } = await sql<StoredNotice['counts'] & { userId: string }>`
    select told.id as "userId", ${waitingCounts(sql`told.id`)} from unnest(${users}::uuid[]) as told (id)`.execute(
    trx,
  )
  return new Map(rows.map(({ userId, ...counts }) => [userId, counts]))
}

const unreadIn = async (trx: Transaction<ChatDatabase>, notices: readonly Notice[]) => {
  const { rows } = await sql<{ userId: string; roomId: string; messages: number; mentions: number }>`
    select distinct members.user_id as "userId", members.room_id as "roomId",
      greatest(last_message_number - read_number, 0) as messages, (
        select count(*) from mentions where mentions.user_id = members.user_id
          and mentions.room_id = members.room_id and message_number > read_number
      ) as mentions
    from unnest(${notices.map(({ userId }) => userId)}::uuid[], ${notices.map(({ roomId }) => roomId)}::uuid[])
      as asked (user_id, room_id)
    join members on members.user_id = asked.user_id and members.room_id = asked.room_id
    join room_heads on room_heads.room_id = members.room_id`.execute(trx)
  return new Map(
    rows.map(({ userId, roomId, messages, mentions }) => [pair(userId, roomId), { messages, mentions }]),
  )
}

const storedAlready = async (trx: Transaction<ChatDatabase>, notices: readonly Notice[]) => {
  const { rows } = await sql<NoticeRow>`
    select user_events.* from user_events
    join unnest(${notices.map(({ sourceId }) => sourceId)}::text[], ${notices.map(({ userId }) => userId)}::uuid[])
      as asked (source_id, user_id) using (source_id, user_id)`.execute(trx)
  return new Map(rows.map((row) => [pair(row.user_id, row.source_id), row]))
}

/**
 * Writes what users are told behind what they were told before, in the order given. One that is there already keeps its
 * place and is given back as it was written. Holds the users' heads until the transaction ends.
 */
export const appendNotices = async (
  trx: Transaction<ChatDatabase>,
  notices: readonly Notice[],
): Promise<StoredNotice[]> => {
  if (notices.length === 0) return []
  const users = [...new Set(notices.map(({ userId }) => userId))]
  const heads = await lockHeads(trx, users)
  // What is counted is counted behind the locks: the last one who is told has the last word.
  const stored = await storedAlready(trx, notices)
  const counts = await waitingFor(trx, users)
  const unread = await unreadIn(trx, notices)

  const told: StoredNotice[] = []
  const rows: NoticeRow[] = []
  for (const notice of notices) {
    const head = heads.get(notice.userId)
    const waiting = counts.get(notice.userId)
    if (head === undefined || waiting === undefined) throw new Error('a head that was locked is gone')
    const before = stored.get(pair(notice.userId, notice.sourceId))
    if (before !== undefined) {
      told.push(readNotice(before, head.epoch))
      continue
    }
    head.offset += 1
    const { epoch, offset } = head
    const added = {
      ...notice,
      ...{ epoch, offset, counts: waiting },
      unread: unread.get(pair(notice.userId, notice.roomId)) ?? null,
    }
    const row = rowOf(added)
    stored.set(pair(notice.userId, notice.sourceId), row)
    rows.push(row)
    told.push(added)
  }
  if (rows.length === 0) return told
  await sql`
    insert into user_events select * from json_populate_recordset(null::user_events, ${JSON.stringify(rows)})`.execute(
    trx,
  )
  await sql`
    update user_heads set last_offset = moved."offset"
    from unnest(${users}::uuid[], ${users.map((id) => heads.get(id)?.offset ?? 0)}::bigint[]) as moved (user_id, "offset")
    where user_heads.user_id = moved.user_id`.execute(trx)
  return told
}

/** What was told of some events, by whichever run. */
export const noticesOfSources = async (
  db: Kysely<ChatDatabase>,
  sourceIds: readonly string[],
): Promise<StoredNotice[]> => {
  const { rows } = await sql<NoticeRow & { epoch: string }>`
    select user_events.*, epoch from user_events join user_heads using (user_id)
    where source_id = any(${sourceIds}::text[]) order by user_id, "offset"`.execute(db)
  return rows.map((row) => readNotice(row, row.epoch))
}

/** Where a user's log is to be read from: after an offset, or with null not at all. */
export interface UserPosition {
  readonly userId: string
  readonly after: number | null
}

/** Where a user's log stands, and what is in it after the position: all of it, or, when that is too much, nothing. */
export interface UserStretch {
  readonly userId: string
  readonly epoch: string
  readonly offset: number
  readonly notices: readonly StoredNotice[]
}

/** Of one user. More than a client is recovered with: an edge may ask for several of their clients at once. */
const maxNotices = 500

/** In the order of the positions. A user who was told nothing yet has a log from now on, so that its epoch stays. */
export const readUserLogs = async (
  db: Kysely<ChatDatabase>,
  positions: readonly UserPosition[],
): Promise<UserStretch[]> => {
  const users = positions.map(({ userId }) => userId)
  await sql`
    insert into user_heads (user_id, epoch)
    select distinct id, ${newEpoch()} from unnest(${users}::uuid[]) as id
    where not exists (select from user_heads where user_id = id) order by id
    on conflict do nothing`.execute(db)
  // One statement, so one snapshot: what is told with a head is what was there when it stood so.
  const { rows } = await sql<
    { nth: number; epoch: string; head: number } & (NoticeRow | { [C in keyof NoticeRow]: null })
  >`
    select asked.nth::int as nth, heads.epoch, heads.last_offset as head, event.*
    from unnest(${users}::uuid[], ${positions.map(({ after }) => after)}::bigint[])
      with ordinality as asked (id, after, nth)
    join user_heads as heads on heads.user_id = asked.id
    left join lateral (
      select * from user_events
      where user_events.user_id = asked.id and user_events."offset" > asked.after
        and last_offset - asked.after <= ${maxNotices}
      order by "offset"
    ) as event on true
    order by asked.nth, event."offset"`.execute(db)
  const stretches = new Map<number, UserStretch & { notices: StoredNotice[] }>()
  for (const { nth, head, ...row } of rows) {
    const userId = users[nth - 1] ?? ''
    const stretch = stretches.get(nth) ?? { userId, epoch: row.epoch, offset: head, notices: [] }
    stretches.set(nth, stretch)
    if (row.user_id !== null) stretch.notices.push(readNotice(row, row.epoch))
  }
  return [...stretches.values()]
}

/** Deletes what was told before a time, some of it at once. Resolves to how much that was. */
export const pruneUserLogs = async (
  db: Kysely<ChatDatabase>,
  before: Date,
  limit: number,
): Promise<number> => {
  const { numAffectedRows } = await sql`
    delete from user_events where ctid = any(array(
      select ctid from user_events where at < ${before} order by at limit ${limit}
    ))`.execute(db)
  return Number(numAffectedRows ?? 0)
}
