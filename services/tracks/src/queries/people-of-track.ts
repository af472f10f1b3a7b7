import { gather } from '@veza/kit/gather'
import { type Database } from '@veza/kit/postgres'
import { sql } from 'kysely'
import { blockedWithOwner, followsOwner } from '../adapters/relations.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Relation } from '../domain/visibility.ts'
import { type TrackView } from './track-view.ts'

/** What people have to do with a track. */
export interface PeopleOfTrack {
  /** How many like it. */
  countLikes(trackId: string): Promise<number>
  /** What is between it and one who looks at it: by keys, nothing of which is cached. */
  seenBy(
    track: Pick<TrackView, 'id' | 'ownerId'>,
    userId: string,
  ): Promise<Relation & { readonly liked: boolean }>
}

interface Asked extends Readonly<Record<string, unknown>> {
  readonly trackIds: readonly string[]
  /** Not there: how many like the track. */
  readonly ownerIds: readonly (string | undefined)[]
  readonly userIds: readonly (string | undefined)[]
}

/** One statement for all that is asked in one turn of the event loop: a track is shown with both. */
export const openPeopleOfTrack = ({
  db,
  prepare,
}: Pick<Database<TracksDatabase>, 'db' | 'prepare'>): PeopleOfTrack => {
  const person = sql.ref<string | null>('asked.user_id')
  const find = prepare('tracks-people', ({ trackIds, ownerIds, userIds }: Asked) =>
    db
      .selectFrom(
        sql<{ track_id: string; owner_id: string | null; user_id: string | null; nth: number }>`
          unnest(${trackIds}::uuid[], ${ownerIds}::uuid[], ${userIds}::uuid[]) with ordinality`.as<'asked'>(
          sql`asked (track_id, owner_id, user_id, nth)`,
        ),
      )
      .select([
        sql<number | null>`case when user_id is null then (
          select count(*) from likes where likes.track_id = asked.track_id) end`.as('likes'),
        sql<boolean>`exists (
          select from likes where likes.track_id = asked.track_id and likes.user_id = asked.user_id)`.as(
          'liked',
        ),
        followsOwner(person, 'asked.owner_id').as('follows'),
        blockedWithOwner(person, 'asked.owner_id').as('blocked'),
      ])
      .orderBy('nth'),
  )
  const ask = gather(async (ids) => {
    const parts = ids.map((id) => id.split(' '))
    const of = (index: number) => parts.map((each) => each[index])
    const rows = await find({ trackIds: of(0) as string[], ownerIds: of(1), userIds: of(2) })
    return new Map(ids.map((id, index) => [id, rows[index]]))
  })
  return {
    async countLikes(trackId) {
      return (await ask(trackId))?.likes ?? 0
    },
    async seenBy({ id, ownerId }, userId) {
      const row = await ask(`${id} ${ownerId} ${userId}`)
      return { follows: row?.follows === true, blocked: row?.blocked === true, liked: row?.liked === true }
    },
  }
}
