import { type Kysely, sql } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { maySee, type Relation } from '../domain/visibility.ts'

/** Somebody, and a track that they hear or would hear. */
export interface Hearing {
  readonly trackId: string
  readonly userId: string
}

/** Which of these people may hear which track now, in the order of the pairs: in one statement, however many they are. */
export const readHearable =
  (db: Kysely<TracksDatabase>) =>
  async (pairs: readonly Hearing[]): Promise<boolean[]> => {
    type Track = Pick<TracksDatabase['tracks'], 'visibility'> & {
      readonly ownerId: string | null
      readonly takenDown: TracksDatabase['tracks']['taken_down']
      readonly isReady: boolean
    }
    const { rows } = await sql<Track & Relation>`
      select tracks.owner_id as "ownerId", tracks.visibility, tracks.taken_down as "takenDown",
        tracks.media is not null as "isReady",
        exists (
          select from relations.follows where follower_id = pair.user_id and followee_id = tracks.owner_id
        ) as follows,
        exists (
          select from relations.blocks where (blocker_id, blocked_id) in
            ((pair.user_id, tracks.owner_id), (tracks.owner_id, pair.user_id))
        ) as blocked
      from unnest(${pairs.map(({ trackId }) => trackId)}::uuid[], ${pairs.map(({ userId }) => userId)}::uuid[])
        with ordinality as pair (track_id, user_id, nth)
      left join tracks on tracks.id = pair.track_id
      order by pair.nth`.execute(db)
    return rows.map(({ ownerId, isReady, visibility, takenDown, ...relation }, index) => {
      if (ownerId === null || !isReady) return false
      const actor = { userId: pairs[index]?.userId ?? '', moderator: false }
      return maySee({ ownerId, visibility, takenDown }, actor, relation)
    })
  }
