import { type Database } from '@veza/kit/postgres'
import { type PoolClient } from 'pg'
import {
  type Outcome,
  type Post,
  type Refused,
  type RoomHead,
  type Settlement,
  settle,
} from '../domain/post.ts'
import { type PostedRow, readPosted } from './posted-rows.ts'
import { type ChatDatabase } from './schema.ts'

/** The rooms' histories, written by one chunk of commands at a time. */
export interface RoomLog {
  /**
   * Gives every post its one outcome, in order, in one transaction: it is stored when this resolves. A post that has
   * one already, from whatever run, gets that one again. Ids must be lower-case UUIDs. Rejects when the database
   * fails; then nothing of the chunk is stored, unless the connection was lost at the commit itself, and calling
   * again tells.
   */
  settle(posts: readonly Post[]): Promise<Outcome[]>
}

/** Statements of one chunk. Named, so that a connection parses and plans each of them once. */
const statements = {
  // On a table that was never analysed the planner takes a scan of the whole to be cheap, and keeps that plan.
  begin: `begin isolation level read committed;
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off`,

  // In id order, so that two workers with rooms in common wait for each other but never in a circle.
  lockHeads: `select room_id, epoch, last_offset, last_message_number from room_heads
    where room_id = any($1::uuid[]) order by room_id for update`,

  members: `select pair.nth::int as nth
    from unnest($1::uuid[], $2::uuid[]) with ordinality as pair (room_id, user_id, nth)
    join members using (room_id, user_id)`,

  posted: `select room_id, "offset", event_id, message_number, sender_id, client_message_id, body, posted_at
    from room_events where event_id = any($1::uuid[])`,

  refused: `select event_id, code, refused_at from refusals where event_id = any($1::uuid[])`,

  append: `with appended as (
      insert into room_events
        (room_id, "offset", event_id, message_number, sender_id, client_message_id, body, posted_at)
      select new.*, $8::timestamptz
      from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[]) as new
    )
    update room_heads set last_offset = head.last_offset, last_message_number = head.last_message_number
    from unnest($9::uuid[], $10::bigint[], $11::bigint[]) as head (room_id, last_offset, last_message_number)
    where room_heads.room_id = head.room_id`,

  // Without a room there is no lock: somebody else may have refused the same command a moment ago.
  refuse: `insert into refusals (event_id, room_id, user_id, code, refused_at)
    select new.*, $5::timestamptz
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as new (event_id, room_id, user_id, code)
    order by new.event_id
    on conflict (event_id) do nothing`,
} as const

interface HeadRow {
  room_id: string
  epoch: string
  last_offset: number
  last_message_number: number
}

interface RefusedRow {
  event_id: string
  code: Refused['code']
  refused_at: Date
}

const pairKey = (roomId: string, userId: string) => roomId + userId

const readRefused = (row: RefusedRow) => ({ code: row.code, refusedAt: row.refused_at })

/** `now` gives the time of a chunk's new outcomes. */
export const roomLog = (database: Database<ChatDatabase>, now = () => new Date()): RoomLog => {
  const load = async (client: PoolClient, posts: readonly Post[]) => {
    const byId = new Map(posts.map((post) => [post.messageId, post]))
    const ids = [...byId.keys()]
    const pairs = [...new Map(posts.map((post) => [pairKey(post.roomId, post.senderId), post])).values()]
    const rooms = [...new Set(posts.map((post) => post.roomId))]

    // Sent together, done in this order. Each statement sees what is committed when it starts: all behind the first two,
    // what was there when the locks were had.
    const [, headRows, memberRows, postedRows, refusedRows] = await Promise.all([
      client.query(statements.begin),
      client.query<HeadRow>({ name: 'lock-heads', text: statements.lockHeads, values: [rooms] }),
      client.query<{ nth: number }>({
        name: 'members',
        text: statements.members,
        values: [pairs.map((pair) => pair.roomId), pairs.map((pair) => pair.senderId)],
      }),
      client.query<PostedRow>({ name: 'posted', text: statements.posted, values: [ids] }),
      client.query<RefusedRow>({ name: 'refused', text: statements.refused, values: [ids] }),
    ])

    const heads = new Map<string, RoomHead>()
    for (const row of headRows.rows)
      heads.set(row.room_id, {
        epoch: row.epoch,
        offset: row.last_offset,
        messageNumber: row.last_message_number,
      })
    const members = new Set<string>()
    for (const { nth } of memberRows.rows) {
      const pair = pairs[nth - 1]
      if (pair !== undefined) members.add(pairKey(pair.roomId, pair.senderId))
    }
    const outcomes = new Map<string, Outcome>()
    for (const row of postedRows.rows)
      outcomes.set(row.event_id, readPosted(row, heads.get(row.room_id)?.epoch ?? ''))
    for (const row of refusedRows.rows) {
      const post = byId.get(row.event_id)
      if (post !== undefined) {
        const { messageId, roomId, senderId, clientMessageId } = post
        const refused = { type: 'refused', messageId, roomId, senderId, clientMessageId } as const
        outcomes.set(messageId, { ...refused, ...readRefused(row) })
      }
    }
    return {
      heads,
      outcomes,
      isMember: (roomId: string, userId: string) => members.has(pairKey(roomId, userId)),
    }
  }

  const store = async (client: PoolClient, { posted, refused, heads }: Settlement, at: Date) => {
    const grown = [...heads]
    const appended =
      posted.length > 0 &&
      client.query({
        name: 'append',
        text: statements.append,
        values: [
          posted.map((event) => event.roomId),
          posted.map((event) => event.offset),
          posted.map((event) => event.messageId),
          posted.map((event) => event.messageNumber),
          posted.map((event) => event.senderId),
          posted.map((event) => event.clientMessageId),
          posted.map((event) => event.body),
          at,
          grown.map(([roomId]) => roomId),
          grown.map(([, head]) => head.offset),
          grown.map(([, head]) => head.messageNumber),
        ],
      })
    const inserted =
      refused.length > 0 &&
      client.query({
        name: 'refuse',
        text: statements.refuse,
        values: [
          refused.map((refusal) => refusal.messageId),
          refused.map((refusal) => refusal.roomId),
          refused.map((refusal) => refusal.senderId),
          refused.map((refusal) => refusal.code),
          at,
        ],
      })
    // Sent behind them at once: where one has failed, the server makes it a rollback.
    const [, refusals] = await Promise.all([appended, inserted, client.query('commit')])
    return { refusedElsewhere: refusals !== false && refusals.rowCount !== refused.length }
  }

  /** The outcomes, with those refusals replaced that another worker stored first. */
  const withStoredRefusals = async (client: PoolClient, outcomes: readonly Outcome[]): Promise<Outcome[]> => {
    const ids = outcomes.flatMap((outcome) => (outcome.type === 'refused' ? [outcome.messageId] : []))
    const { rows } = await client.query<RefusedRow>(statements.refused, [ids])
    const stored = new Map(rows.map((row) => [row.event_id, row]))
    return outcomes.map((outcome) => {
      const row = outcome.type === 'refused' ? stored.get(outcome.messageId) : undefined
      return outcome.type === 'refused' && row !== undefined ? { ...outcome, ...readRefused(row) } : outcome
    })
  }

  const settleOn = async (client: PoolClient, posts: readonly Post[]): Promise<Outcome[]> => {
    const stored = await load(client, posts)
    const at = now()
    const settlement = settle(posts, stored, at)
    const { refusedElsewhere } = await store(client, settlement, at)
    return refusedElsewhere ? withStoredRefusals(client, settlement.outcomes) : settlement.outcomes
  }

  return {
    async settle(posts) {
      if (posts.length === 0) return []
      const client = await database.pool.connect()
      try {
        const outcomes = await settleOn(client, posts)
        client.release()
        return outcomes
      } catch (error) {
        // Closing the connection is what ends its transaction whatever state it is in.
        client.release(true)
        throw error
      }
    },
  }
}
