import { type Kysely, sql } from 'kysely'
import { type ChatDatabase } from './schema.ts'

export interface SearchIndex {
  /**
   * Brings the index up to where the rooms stand. One call indexes a bounded number of events a room.
   *
   * @returns whether it is there now; else call again
   */
  catchUp(roomIds: readonly string[]): Promise<boolean>
}

/** Some 30 microseconds each: a search of a large room that nobody searched before takes part of a second. */
const eventsOfOneRoom = 10_000

/**
 * An index that is filled by those who search. An event of a message, whatever it is, has the message indexed as it
 * stands; events come in the room's order, so none is left out. The text of a deleted message leaves the index with its
 * deletion (chunk-store.ts), and if a search under way puts it back, with the next search.
 */
export const searchIndex = (db: Kysely<ChatDatabase>): SearchIndex => ({
  catchUp: (roomIds) =>
    db.transaction().execute(async (trx) => {
      const behind = await sql<{ room_id: string }>`
        select room_heads.room_id from room_heads left join search_progress using (room_id)
        where room_heads.room_id = any(${roomIds}::uuid[]) and last_offset > coalesce(indexed_offset, 0)
        order by room_id`.execute(trx)
      if (behind.rows.length === 0) return true
      const rooms = behind.rows.map((row) => row.room_id)
      await sql`insert into search_progress (room_id) select unnest(${rooms}::uuid[]) on conflict do nothing`.execute(
        trx,
      )
      // Two who search the same rooms index them one after the other.
      await sql`select 1 from search_progress where room_id = any(${rooms}::uuid[]) order by room_id for update`.execute(
        trx,
      )
      const { rows } = await sql<{ left: number }>`
        with batch as materialized (
          select progress.room_id, event."offset", event.message_id
          from search_progress as progress
          cross join lateral (
            select "offset", coalesce(message_id, event_id) as message_id from room_events
            where room_id = progress.room_id and "offset" > indexed_offset
            order by "offset" limit ${eventsOfOneRoom}
          ) as event
          where progress.room_id = any(${rooms}::uuid[])
        ), touched as materialized (
          select distinct on (event_id) event_id, message.room_id, deleted_at, coalesce(edited_body, body) as body
          from batch join room_events as message on message.event_id = batch.message_id and type = 'posted'
        ), gone as (
          delete from message_search using touched
          where message_search.message_id = touched.event_id and deleted_at is not null
        ), found as (
          insert into message_search (message_id, room_id, search)
          select event_id, room_id, to_tsvector('simple', body) from touched where deleted_at is null
          on conflict (message_id) do update set search = excluded.search
        ), moved as (
          update search_progress set indexed_offset = reached."offset"
          from (select room_id, max("offset") as "offset" from batch group by room_id) as reached
          where search_progress.room_id = reached.room_id
          returning search_progress.room_id, search_progress.indexed_offset
        )
        select count(*) as left from moved join room_heads using (room_id) where last_offset > indexed_offset`.execute(
        trx,
      )
      return rows[0]?.left === 0
    }),
})
