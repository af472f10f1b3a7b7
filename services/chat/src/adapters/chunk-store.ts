import { type PoolClient } from 'pg'
import { type MessageEvent, type Posted, type Refused } from '../domain/event.ts'
import { type MessageState } from '../domain/message.ts'
import { type ReactionChange } from '../domain/reactions.ts'
import { type Settlement } from '../domain/settle.ts'
import { together } from './together.ts'

/** Statements that store a chunk. Named, so that a connection parses and plans each of them once. */
const statements = {
  // Most chunks hold posts of nothing but text, and for them this is all.
  append: `with appended as (
      insert into room_events
        (room_id, "offset", event_id, message_number, sender_id, client_message_id, body, posted_at)
      select new.*, $8::timestamptz
      from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[]) as new
    )
    update room_heads set last_offset = head.last_offset, last_message_number = head.last_message_number
    from unnest($9::uuid[], $10::bigint[], $11::bigint[]) as head (room_id, last_offset, last_message_number)
    where room_heads.room_id = head.room_id`,

  // Arrays of arrays have one length in SQL, so mentions come as text.
  appendRich: `insert into room_events
      (room_id, "offset", event_id, message_number, sender_id, client_message_id, body, posted_at,
       type, message_id, reply_to, thread_id, track_id, reaction, reaction_count, mentions, track_position_ms)
    select room_id, "offset", event_id, message_number, sender_id, client_message_id, body, $8::timestamptz,
      type, message_id, reply_to, thread_id, track_id, reaction, reaction_count, mentions::uuid[], track_position_ms
    from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[],
      $9::text[], $10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::text[], $15::bigint[], $16::text[],
      $17::bigint[])
      as new (room_id, "offset", event_id, message_number, sender_id, client_message_id, body,
        type, message_id, reply_to, thread_id, track_id, reaction, reaction_count, mentions, track_position_ms)`,

  moveHeads: `update room_heads set last_offset = head.last_offset, last_message_number = head.last_message_number
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as head (room_id, last_offset, last_message_number)
    where room_heads.room_id = head.room_id`,

  edit: `update room_events
    set edited_body = new.body, edited_mentions = new.mentions::uuid[], edited_at = new.edited_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as new (event_id, body, mentions, edited_at)
    where room_events.event_id = new.event_id`,

  // Of the post and of every edit; the events themselves keep their places.
  blank: `update room_events
    set body = '', mentions = null, track_id = null, track_position_ms = null, edited_body = null, edited_mentions = null,
      deleted_at = coalesce(deleted_at, $2::timestamptz)
    where event_id = any($1::uuid[]) or (message_id = any($1::uuid[]) and type = 'edited')`,

  forgetRest: `with counts as (delete from reaction_counts where message_id = any($1::uuid[])),
      found as (delete from message_search where message_id = any($1::uuid[]))
    delete from reactions where message_id = any($1::uuid[])`,

  countReplies: `update room_events set reply_count = reply_count + new.replies
    from unnest($1::uuid[], $2::bigint[]) as new (event_id, replies) where room_events.event_id = new.event_id`,

  forgetMentions: `delete from mentions where message_id = any($1::uuid[])`,

  mention: `insert into mentions (user_id, room_id, message_number, message_id)
    select new.* from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[])
      as new (user_id, room_id, message_number, message_id)
    join members using (room_id, user_id)
    on conflict do nothing`,

  addReactions: `insert into reactions (message_id, reaction, user_id)
    select * from unnest($1::uuid[], $2::text[], $3::uuid[]) on conflict do nothing`,

  removeReactions: `delete from reactions
    using unnest($1::uuid[], $2::text[], $3::uuid[]) as gone (message_id, reaction, user_id)
    where reactions.message_id = gone.message_id and reactions.reaction = gone.reaction
      and reactions.user_id = gone.user_id`,

  countReactions: `insert into reaction_counts (message_id, reaction, count)
    select * from unnest($1::uuid[], $2::text[], $3::bigint[])
    on conflict (message_id, reaction) do update set count = excluded.count`,

  forgetZeros: `delete from reaction_counts where message_id = any($1::uuid[]) and count = 0`,

  slow: `update members set last_posted_at = $3::timestamptz
    from unnest($1::uuid[], $2::uuid[]) as sender (room_id, user_id)
    where members.room_id = sender.room_id and members.user_id = sender.user_id`,

  // Without a room there is no lock: somebody else may have refused the same command a moment ago.
  refuse: `insert into refusals (event_id, room_id, user_id, code, refused_at)
    select new.*, $5::timestamptz
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as new (event_id, room_id, user_id, code)
    order by new.event_id
    on conflict (event_id) do nothing`,
} as const

/** Sends a statement without waiting for those before it: the server does them in the order in which they are sent. */
type Run = (name: keyof typeof statements, values: unknown[]) => void

const arrayText = (ids: readonly string[]): string | null => (ids.length === 0 ? null : `{${ids.join(',')}}`)

const isPlain = (event: MessageEvent): event is Posted =>
  event.type === 'posted' && event.replyTo === null && event.trackId === null && event.mentions.length === 0

const common = (events: readonly MessageEvent[], at: Date): unknown[] => [
  events.map((event) => event.roomId),
  events.map((event) => event.offset),
  events.map((event) => event.eventId),
  events.map((event) => (event.type === 'posted' ? event.messageNumber : 0)),
  events.map((event) => event.senderId),
  events.map((event) => event.clientMessageId),
  events.map((event) => ('body' in event ? event.body : '')),
  at,
]

const rich = (events: readonly MessageEvent[]): unknown[] => [
  events.map((event) => event.type),
  events.map((event) => ('messageId' in event ? event.messageId : null)),
  events.map((event) => ('replyTo' in event ? event.replyTo : null)),
  events.map((event) => ('threadId' in event ? event.threadId : null)),
  events.map((event) => ('trackId' in event ? event.trackId : null)),
  events.map((event) => ('reaction' in event ? event.reaction : null)),
  events.map((event) => ('reaction' in event ? event.count : null)),
  events.map((event) => ('mentions' in event ? arrayText(event.mentions) : null)),
  events.map((event) => ('trackPositionMs' in event ? event.trackPositionMs : null)),
]

const storeEvents = (run: Run, { events, heads }: Settlement, at: Date): void => {
  if (events.length === 0) return
  const grown = [...heads]
  const moved = [
    grown.map(([roomId]) => roomId),
    grown.map(([, head]) => head.offset),
    grown.map(([, head]) => head.messageNumber),
  ]
  const plain = events.filter(isPlain)
  if (plain.length > 0) run('append', [...common(plain, at), ...moved])
  if (plain.length === events.length) return
  const others = events.filter((event) => !isPlain(event))
  run('appendRich', [...common(others, at), ...rich(others)])
  if (plain.length === 0) run('moveHeads', moved)
}

const storeChanges = (run: Run, changed: readonly MessageState[], at: Date): void => {
  const edited = changed.flatMap((message) =>
    message.edit === null ? [] : [{ ...message, edit: message.edit }],
  )
  if (edited.length > 0)
    run('edit', [
      edited.map((message) => message.messageId),
      edited.map((message) => message.edit.body),
      edited.map((message) => arrayText(message.mentions) ?? '{}'),
      edited.map((message) => message.edit.at),
    ])
  const deleted = changed.filter((message) => message.deletedAt !== null).map((message) => message.messageId)
  if (deleted.length > 0) {
    run('blank', [deleted, at])
    run('forgetRest', [deleted])
  }
}

/** Who is mentioned follows from the posts of the chunk and from how its edits and deletions left theirs. */
const storeMentions = (run: Run, { events, changed }: Settlement): void => {
  if (changed.size > 0) run('forgetMentions', [[...changed.keys()]])
  const posts = events.flatMap((event) =>
    event.type === 'posted' && event.mentions.length > 0 && !changed.has(event.eventId)
      ? [{ ...event, messageId: event.eventId }]
      : [],
  )
  const mentions = [...posts, ...changed.values()].flatMap((message) =>
    message.mentions.map((userId) => ({ ...message, userId })),
  )
  if (mentions.length > 0)
    run('mention', [
      mentions.map((mention) => mention.userId),
      mentions.map((mention) => mention.roomId),
      mentions.map((mention) => mention.messageNumber),
      mentions.map((mention) => mention.messageId),
    ])
}

const reactionValues = (changes: readonly ReactionChange[]): unknown[] => [
  changes.map((change) => change.messageId),
  changes.map((change) => change.reaction),
  changes.map((change) => change.userId),
]

const storeReactions = (run: Run, settlement: Settlement): void => {
  // Those to a message that the same chunk deleted went with it.
  const isGone = (messageId: string) => (settlement.changed.get(messageId)?.deletedAt ?? null) !== null
  const kept = settlement.reactions.filter(({ messageId }) => !isGone(messageId))
  if (kept.length === 0) return
  const added = kept.filter((change) => change.present)
  const removed = kept.filter((change) => !change.present)
  if (added.length > 0) run('addReactions', reactionValues(added))
  if (removed.length > 0) run('removeReactions', reactionValues(removed))
  const counts = [...new Map(kept.map((change) => [change.messageId + change.reaction, change])).values()]
  run('countReactions', [
    counts.map((change) => change.messageId),
    counts.map((change) => change.reaction),
    counts.map((change) => change.count),
  ])
  if (counts.some((change) => change.count === 0))
    run('forgetZeros', [counts.map((change) => change.messageId)])
}

const refusalValues = (refused: readonly Refused[], at: Date): unknown[] => [
  refused.map((refusal) => refusal.eventId),
  refused.map((refusal) => refusal.roomId),
  refused.map((refusal) => refusal.senderId),
  refused.map((refusal) => refusal.code),
  at,
]

/**
 * Writes a settled chunk and commits. All is sent at once: where a statement fails, the server makes the commit behind
 * it a rollback.
 *
 * @returns whether another worker had stored one of its refusals first
 */
export const storeChunk = async (
  client: PoolClient,
  settlement: Settlement,
  at: Date,
): Promise<{ refusedElsewhere: boolean }> => {
  const sent: Promise<{ rowCount: number | null }>[] = []
  const run: Run = (name, values) => void sent.push(client.query({ name, text: statements[name], values }))
  const { changed, replies, refused, slowed } = settlement
  storeEvents(run, settlement, at)
  if (changed.size > 0) storeChanges(run, [...changed.values()], at)
  if (replies.size > 0) run('countReplies', [[...replies.keys()], [...replies.values()]])
  storeMentions(run, settlement)
  storeReactions(run, settlement)
  if (slowed.length > 0)
    run('slow', [slowed.map((sender) => sender.roomId), slowed.map((sender) => sender.userId), at])
  if (refused.length > 0) run('refuse', refusalValues(refused, at))
  const results = await together([...sent, client.query('commit')])
  return { refusedElsewhere: refused.length > 0 && results[sent.length - 1]?.rowCount !== refused.length }
}
