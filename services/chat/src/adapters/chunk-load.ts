import { type PoolClient } from 'pg'
import { type Outcome, type Refused } from '../domain/event.ts'
import { type Command, type Member, type MessageState, type RoomHead, targetOf } from '../domain/message.ts'
import { noReactions, type Reaction, reactionKey, reactionOf, type Reactions } from '../domain/reactions.ts'
import { type StoredState } from '../domain/settle.ts'
import { type EventRow, readEvent, readMessage } from './event-rows.ts'
import { type Policies } from './policies.ts'
import { together } from './together.ts'

/** Statements that read what a chunk is decided on. Named, so that a connection parses and plans each of them once. */
const statements = {
  // On a table that was never analysed the planner takes a scan of the whole to be cheap, and keeps that plan.
  begin: `begin isolation level read committed;
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off`,

  // In id order, so that two workers with rooms in common wait for each other but never in a circle.
  lockHeads: `select room_id, epoch, last_offset, last_message_number, policy from room_heads
    where room_id = any($1::uuid[]) order by room_id for update`,

  members: `select pair.nth::int as nth, role, muted_until as "mutedUntil", last_posted_at as "lastPostedAt"
    from unnest($1::uuid[], $2::uuid[]) with ordinality as pair (room_id, user_id, nth)
    join members using (room_id, user_id)`,

  banned: `select pair.nth::int as nth
    from unnest($1::uuid[], $2::uuid[]) with ordinality as pair (room_id, user_id, nth)
    join bans using (room_id, user_id)`,

  events: `select * from room_events where event_id = any($1::uuid[])`,

  refused: `select event_id, code, refused_at from refusals where event_id = any($1::uuid[])`,

  reactionCounts: `select message_id, reaction, count from reaction_counts where message_id = any($1::uuid[])`,

  reactions: `select message_id, reaction, user_id
    from unnest($1::uuid[], $2::text[], $3::uuid[]) as asked (message_id, reaction, user_id)
    join reactions using (message_id, reaction, user_id)`,
} as const

interface HeadRow {
  room_id: string
  epoch: string
  last_offset: number
  last_message_number: number
  policy: number
}

interface RefusedRow {
  event_id: string
  code: Refused['code']
  refused_at: Date
}

const pairKey = (roomId: string, userId: string) => roomId + userId

const query = async <R extends object>(
  client: PoolClient,
  name: Exclude<keyof typeof statements, 'begin'>,
  values: unknown[],
): Promise<R[]> => (await client.query<R>({ name, text: statements[name], values })).rows

const loadHeads = async (client: PoolClient, commands: readonly Command[]) => {
  const rows = await query<HeadRow>(client, 'lockHeads', [[...new Set(commands.map((c) => c.roomId))]])
  const heads = new Map<string, RoomHead>()
  const versions = new Map<string, number>()
  for (const row of rows) {
    const { room_id: roomId, epoch, last_offset: offset, last_message_number: messageNumber } = row
    heads.set(roomId, { epoch, offset, messageNumber })
    versions.set(roomId, row.policy)
  }
  return { heads, versions }
}

type Pair = Pick<Command, 'roomId' | 'senderId'>

const pairValues = (pairs: readonly Pair[]) => [
  pairs.map((pair) => pair.roomId),
  pairs.map((pair) => pair.senderId),
]

const loadMembers = async (client: PoolClient, commands: readonly Command[]) => {
  const pairs = [...new Map(commands.map((c) => [pairKey(c.roomId, c.senderId), c])).values()]
  const rows = await query<{ nth: number } & Member>(client, 'members', pairValues(pairs))
  const members = new Map<string, Member>()
  for (const { nth, role, mutedUntil, lastPostedAt } of rows) {
    const pair = pairs[nth - 1]
    if (pair !== undefined)
      members.set(pairKey(pair.roomId, pair.senderId), { role, mutedUntil, lastPostedAt })
  }
  return { members, strangers: pairs.filter((pair) => !members.has(pairKey(pair.roomId, pair.senderId))) }
}

/** Strangers who are banned are told so. There are seldom any, since the edges keep strangers out. */
const loadBanned = async (client: PoolClient, strangers: readonly Pair[]) => {
  const rows = await query<{ nth: number }>(client, 'banned', pairValues(strangers))
  const banned: Member = { role: null, mutedUntil: null, lastPostedAt: null }
  return rows.flatMap(({ nth }): [string, Member][] => {
    const pair = strangers[nth - 1]
    return pair === undefined ? [] : [[pairKey(pair.roomId, pair.senderId), banned]]
  })
}

const loadReactions = async (client: PoolClient, commands: readonly Command[]): Promise<Reactions> => {
  const asked = commands.flatMap((command) => reactionOf(command) ?? [])
  if (asked.length === 0) return noReactions
  const ids = asked.map((reaction) => reaction.messageId)
  const [counted, rows] = await together([
    query<{ message_id: string; reaction: string; count: number }>(client, 'reactionCounts', [
      [...new Set(ids)],
    ]),
    query<{ message_id: string; reaction: string; user_id: string }>(client, 'reactions', [
      ids,
      asked.map(({ reaction }) => reaction),
      asked.map(({ userId }) => userId),
    ]),
  ])
  const counts = new Map<string, Map<string, number>>()
  for (const { message_id, reaction, count } of counted) {
    const known = counts.get(message_id) ?? new Map<string, number>()
    counts.set(message_id, known.set(reaction, count))
  }
  const present = new Set(
    rows.map(({ message_id, reaction, user_id }) =>
      reactionKey({ messageId: message_id, reaction, userId: user_id }),
    ),
  )
  return { counts, has: (reaction: Reaction) => present.has(reactionKey(reaction)) }
}

/** Refusals of some commands, by outcome id. */
export const loadRefusals = async (
  client: PoolClient,
  ids: readonly string[],
): Promise<Map<string, Pick<Refused, 'code' | 'at'>>> => {
  const rows = await query<RefusedRow>(client, 'refused', [ids])
  return new Map(rows.map((row) => [row.event_id, { code: row.code, at: row.refused_at }]))
}

/**
 * Opens the transaction of a chunk, locks its rooms and reads what is stored about it. The statements are sent together
 * and done in this order. Each sees what is committed when it starts: all behind the first two, what was there when the
 * locks were had.
 */
export const loadChunk = async (
  client: PoolClient,
  commands: readonly Command[],
  policies: Policies,
): Promise<StoredState> => {
  const byId = new Map(commands.map((command) => [command.eventId, command]))
  const targets = commands.flatMap((command) => targetOf(command) ?? [])
  const ids = targets.length === 0 ? [...byId.keys()] : [...new Set([...byId.keys(), ...targets])]
  const [, { heads, versions }, { members, strangers }, rows, refusals, reactions] = await together([
    client.query(statements.begin),
    loadHeads(client, commands),
    loadMembers(client, commands),
    query<EventRow>(client, 'events', [ids]),
    loadRefusals(client, [...byId.keys()]),
    loadReactions(client, commands),
  ])

  const policyOf = await policies.read(client, versions)
  if (strangers.length > 0)
    for (const [key, member] of await loadBanned(client, strangers)) members.set(key, member)

  const outcomes = new Map<string, Outcome>()
  const messages = new Map<string, MessageState>()
  for (const row of rows) {
    if (byId.has(row.event_id))
      outcomes.set(row.event_id, readEvent(row, heads.get(row.room_id)?.epoch ?? ''))
    const message = readMessage(row)
    if (message !== undefined) messages.set(message.messageId, message)
  }
  for (const [eventId, refusal] of refusals) {
    const command = byId.get(eventId)
    if (command === undefined) continue
    const { roomId, senderId, clientMessageId } = command
    outcomes.set(eventId, { type: 'refused', eventId, roomId, senderId, clientMessageId, ...refusal })
  }
  return {
    heads,
    outcomes,
    messages,
    reactions,
    policyOf,
    memberOf: (roomId, userId) => members.get(pairKey(roomId, userId)),
  }
}
