import { type topics } from '@veza/contracts'
import { hyperLogLog } from '@veza/kit/hyperloglog'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase, type DailyDigests, dayOf } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { column } from './adapters/arrays.ts'
import { hourMs } from './domain/hearing.ts'

type ChatEvent = Message<typeof topics.chatEvents>
type Db = Kysely<AnalyticsDatabase>

/** What of a room's events is activity. */
interface Act {
  readonly roomId: string
  readonly at: number
  readonly personId: string
  readonly kind: 'message' | 'reaction'
}

/** As large as that of a track's day. */
const sketchBits = 11

const actOf = ({ type, value }: ChatEvent): Act | undefined => {
  const { roomId } = value
  switch (type) {
    case 'MessagePosted':
      return { roomId, at: value.postedAt, personId: value.senderId, kind: 'message' }
    case 'ReactionAdded':
      return { roomId, at: value.reactedAt, personId: value.senderId, kind: 'reaction' }
    default:
      return undefined
  }
}

const numberingOf = ({ value }: ChatEvent): string => `${value.roomId}/${value.epoch}`

/** Those that were not read before: a room's events are numbered, and can come again. Notes how far each room is. */
const unread = async (trx: Db, schema: string, events: readonly ChatEvent[]): Promise<ChatEvent[]> => {
  const numberings = new Map(events.map((event) => [numberingOf(event), event.value]))
  const wanted = [...numberings.values()]
  const { rows } = await sql<{ room_id: string; epoch: string; last_offset: number }>`
    select room_id, epoch, last_offset from ${sql.id(schema, 'rooms')}
    where room_id = any(${column(wanted, 'uuid', ({ roomId }) => roomId)})`.execute(trx)
  const reached = new Map(rows.map((row) => [`${row.room_id}/${row.epoch}`, row.last_offset]))
  const fresh = events.filter((event) => {
    const key = numberingOf(event)
    if (event.value.offset <= (reached.get(key) ?? 0)) return false
    reached.set(key, event.value.offset)
    return true
  })
  const moved = [...new Map(fresh.map((event) => [numberingOf(event), event.value])).values()]
  const epochs = moved.map(({ epoch }) => epoch)
  await sql`
    insert into ${sql.id(schema, 'rooms')} (room_id, epoch, last_offset)
    select * from unnest(
      ${column(moved, 'uuid', ({ roomId }) => roomId)}, ${epochs}::text[],
      ${column(moved, 'bigint', ({ offset }) => offset)})
    on conflict (room_id, epoch) do update set last_offset = excluded.last_offset`.execute(trx)
  return fresh
}

interface Bucket {
  readonly roomId: string
  readonly at: number
  messages: number
  reactions: number
  readonly people: Set<string>
}

const bucketsOf = (acts: readonly (Act & { digest: string })[], lengthMs: number): Bucket[] => {
  const buckets = new Map<string, Bucket>()
  for (const { roomId, at, kind, digest } of acts) {
    const place = Math.floor(at / lengthMs)
    const key = `${roomId}/${place}`
    const bucket = buckets.get(key) ?? { roomId, at: place, messages: 0, reactions: 0, people: new Set() }
    if (kind === 'message') bucket.messages++
    else bucket.reactions++
    bucket.people.add(digest)
    buckets.set(key, bucket)
  }
  return [...buckets.values()].sort((one, other) =>
    one.roomId === other.roomId ? one.at - other.at : one.roomId < other.roomId ? -1 : 1,
  )
}

const addRoomDays = async (trx: Db, schema: string, days: readonly Bucket[]): Promise<void> => {
  const table = sql.id(schema, 'room_days')
  const { rows } = await sql<{ roomId: string; day: number; sketch: Buffer }>`
    select room_id as "roomId", day, sketch from ${table} where (room_id, day) in (select * from unnest(
      ${column(days, 'uuid', ({ roomId }) => roomId)}, ${column(days, 'int', ({ at }) => at)}))`.execute(trx)
  const known = new Map(rows.map((row) => [`${row.roomId}/${row.day}`, row.sketch]))
  const sketched = days.map((day) => {
    const sketch = hyperLogLog(sketchBits, known.get(`${day.roomId}/${day.at}`))
    let isNew = false
    for (const person of day.people) isNew = sketch.add(person) || isNew
    return { ...day, sketch, isNew }
  })
  // Mostly people go on talking: then their sketch, two kilobytes of it, is not written again.
  const [same, fresh] = [sketched.filter(({ isNew }) => !isNew), sketched.filter(({ isNew }) => isNew)]
  if (same.length > 0)
    await sql`
      update ${table} as d set messages = d.messages + more.messages, reactions = d.reactions + more.reactions
      from unnest(
        ${column(same, 'uuid', ({ roomId }) => roomId)}, ${column(same, 'int', ({ at }) => at)},
        ${column(same, 'bigint', ({ messages }) => messages)},
        ${column(same, 'bigint', ({ reactions }) => reactions)}) as more (room_id, day, messages, reactions)
      where d.room_id = more.room_id and d.day = more.day`.execute(trx)
  if (fresh.length === 0) return
  await sql`
    insert into ${table} as d (room_id, day, messages, reactions, sketch, people)
    select * from unnest(
      ${column(fresh, 'uuid', ({ roomId }) => roomId)}, ${column(fresh, 'int', ({ at }) => at)},
      ${column(fresh, 'bigint', ({ messages }) => messages)},
      ${column(fresh, 'bigint', ({ reactions }) => reactions)},
      ${column(fresh, 'bytea', ({ sketch }) => sketch.toBytes())},
      ${column(fresh, 'int', ({ sketch }) => sketch.estimate())})
    on conflict (room_id, day) do update set
      messages = d.messages + excluded.messages, reactions = d.reactions + excluded.reactions,
      sketch = excluded.sketch, people = excluded.people`.execute(trx)
}

/** Takes what happened in rooms into their counts, in the transaction that is given. */
export const applyChat =
  ({ salts }: { readonly salts: DailyDigests }) =>
  async (trx: Db, schema: string, events: readonly ChatEvent[], since = 0): Promise<void> => {
    if (events.length === 0) return
    const fresh = await unread(trx, schema, events)
    const acts = fresh
      .flatMap((event) => actOf(event) ?? [])
      .filter(({ at }) => Math.floor(at / hourMs) >= since)
    if (acts.length === 0) return
    await salts.prepare(acts.map(({ at }) => dayOf(at)))
    const named = acts.map((act) => ({ ...act, digest: salts.digest(dayOf(act.at), act.personId) }))
    const hours = bucketsOf(named, hourMs)
    await sql`
      insert into ${sql.id(schema, 'room_hours')} as h (room_id, hour, messages, reactions)
      select * from unnest(
        ${column(hours, 'uuid', ({ roomId }) => roomId)}, ${column(hours, 'int', ({ at }) => at)},
        ${column(hours, 'bigint', ({ messages }) => messages)},
        ${column(hours, 'bigint', ({ reactions }) => reactions)})
      on conflict (room_id, hour) do update set
        messages = h.messages + excluded.messages, reactions = h.reactions + excluded.reactions`.execute(trx)
    await addRoomDays(trx, schema, bucketsOf(named, 24 * hourMs))
  }
