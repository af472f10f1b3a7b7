import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import { blockedWithOwner, followsOwner } from '../adapters/relations.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Actor, visibleTo } from '../domain/visibility.ts'
import { type PeopleOfTrack } from './people-of-track.ts'
import { type TrackCaches } from './track-caches.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'

/** A Relation, as columns `follows` and `blocked`. */
export const relationTo = ({ userId }: Pick<Actor, 'userId'>, owner: string) =>
  [followsOwner(userId, owner).as('follows'), blockedWithOwner(userId, owner).as('blocked')] as const

/** Whose rows these are, where owner and asker have nothing against each other. Looked up once a query, not once a row. */
export const notBlocked = (
  { userId }: Pick<Actor, 'userId'>,
  owner: string,
) => sql<boolean>`${sql.ref(owner)} not in (
  select blocked_id from relations.blocks where blocker_id = ${userId}
  union all select blocker_id from relations.blocks where blocked_id = ${userId})`

/** What queries are made of. */
export interface ReadDeps {
  readonly db: Kysely<TracksDatabase>
  readonly prepare: Prepare
}

/**
 * What everybody may find. Written out, not sent as values: what is prepared has to be planned without knowing these, and
 * the indexes of what is found would not do for it.
 */
const isFound = sql<boolean>`tracks.visibility = 'public' and tracks.status = 'ready' and tracks.taken_down is null`

/** Tracks that everybody may find, but for those of whom one of the two blocks. */
export const foundBy = (db: Kysely<TracksDatabase>, actor: Pick<Actor, 'userId'>) =>
  db.selectFrom('tracks').where(isFound).where(notBlocked(actor, 'tracks.owner_id'))

/** Which tracks somebody asks for: all that are found, their own in whatever state, those that they like; of one owner. */
export interface Among {
  readonly scope: 'public' | 'mine' | 'liked'
  readonly ownerId: string | undefined
  /** Of which each has to be there, as labelOf has them. */
  readonly labels: readonly string[]
}

interface AmongValues {
  readonly userId: string
  readonly ownerId?: string | undefined
}

const mine = (db: Kysely<TracksDatabase>, { userId }: AmongValues) =>
  db.selectFrom('tracks').where('owner_id', '=', userId)
const ofOwner = (db: Kysely<TracksDatabase>, values: AmongValues) =>
  foundBy(db, values).where('owner_id', '=', values.ownerId ?? '')
const liked = (db: Kysely<TracksDatabase>, values: AmongValues) =>
  // Not `in`: joined, the index of likes gives the youngest tracks first, and no more of them than a page.
  foundBy(db, values).innerJoin('likes', (join) =>
    join.onRef('likes.track_id', '=', 'tracks.id').on('likes.user_id', '=', values.userId),
  )

const ofAnyLabel = (
  db: Kysely<TracksDatabase>,
  { scope, ownerId }: Among,
  userId: string,
): SelectQueryBuilder<TracksDatabase, 'tracks', object> | undefined => {
  const values = { userId, ownerId }
  if (scope === 'mine') return ownerId === undefined || ownerId === userId ? mine(db, values) : undefined
  if (scope === 'public') return ownerId === undefined ? foundBy(db, values) : ofOwner(db, values)
  return ownerId === undefined ? liked(db, values) : liked(db, values).where('owner_id', '=', ownerId)
}

/** Those tracks. undefined: there can be none. */
export const among = (db: Kysely<TracksDatabase>, of: Among, userId: string) =>
  ofAnyLabel(db, of, userId)?.$if(of.labels.length > 0, (query) =>
    query.where(sql<boolean>`labels @> ${of.labels}`),
  )

/** What reads a track by its id. */
export interface OneTrackDeps extends ReadDeps {
  readonly caches: TrackCaches
  readonly people: PeopleOfTrack
}

/** One track, with its likes. Throws Rejection `track-not-found`. */
export const getTrack =
  ({ caches, people }: Pick<OneTrackDeps, 'caches' | 'people'>) =>
  async (
    trackId: string,
    actor: Actor,
  ): Promise<TrackView & { readonly likes: number; readonly liked: boolean }> => {
    const { value: track } = await caches.tracks.read(trackId)
    if (track === undefined) throw new Rejection('track-not-found')
    const [{ liked, ...relation }, { value: likes = 0 }] = await Promise.all([
      people.seenBy(track, actor.userId),
      caches.likes.read(trackId),
    ])
    return { ...visibleTo(track, actor, relation), likes, liked }
  }

/** Refuses whoever may not change the track. Throws Rejection `track-not-found`, `not-owner`. */
export const assertOwner =
  (db: Kysely<TracksDatabase>) =>
  async (trackId: string, actor: Actor): Promise<void> => {
    const row = await db
      .selectFrom('tracks')
      .select(['owner_id as ownerId', 'visibility', 'taken_down as takenDown'])
      .select(relationTo(actor, 'tracks.owner_id'))
      .where('id', '=', trackId)
      .executeTakeFirst()
    if (visibleTo(row, actor, row).ownerId !== actor.userId) throw new Rejection('not-owner')
  }

export interface TrackPage {
  /** Id of the last of the page before. */
  readonly after: string | undefined
  /** At most mostOfPage. */
  readonly limit: number
}

/** Tracks that are listed at once. */
export const mostOfPage = 100

interface ListValues extends Readonly<Record<string, unknown>> {
  readonly userId: string
  readonly ownerId?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** The youngest first: those of the caller, whatever their state, or those of all or one other that all may find. */
export const listTracks = ({ db, prepare }: ReadDeps) => {
  /** One statement for each way in which a list is asked for, since each has a plan of its own. */
  const prepared = (
    name: string,
    list: (values: ListValues) => SelectQueryBuilder<TracksDatabase, 'tracks', object>,
  ) => {
    const page = (isNext: boolean) =>
      prepare(isNext ? `${name}-next` : name, (values: ListValues) =>
        db
          .selectFrom(
            list(values)
              .select(trackColumns)
              .$if(isNext, (query) => query.where('tracks.id', '<', values.after ?? ''))
              .orderBy('tracks.id', 'desc')
              // Without it a plan for any limit would be one for a tenth of all tracks, and so each page be planned anew.
              .limit(sql.lit(mostOfPage))
              .as('page'),
          )
          .select(trackColumns)
          .orderBy('id', 'desc')
          .limit(sql<number>`${values.limit}`),
      )
    const [first, next] = [page(false), page(true)]
    return (values: ListValues) => (values.after === undefined ? first : next)(values)
  }
  const lists = {
    mine: prepared('tracks-mine', (values) => mine(db, values)),
    found: prepared('tracks-found', (values) => foundBy(db, values)),
    ofOwner: prepared('tracks-of-owner', (values) => ofOwner(db, values)),
    liked: prepared('tracks-liked', (values) => liked(db, values)),
    likedOfOwner: prepared('tracks-liked-of-owner', (values) =>
      liked(db, values).where('owner_id', '=', values.ownerId ?? ''),
    ),
  }
  /** Planned each time: of a rare label the index of labels gives all, a frequent one the youngest tracks soon have. */
  const labelled = async (of: Among, userId: string, { after, limit }: TrackPage): Promise<TrackView[]> => {
    const rows = await among(db, of, userId)
      ?.select(trackColumns)
      .$if(after !== undefined, (query) => query.where('tracks.id', '<', after ?? ''))
      .orderBy('tracks.id', 'desc')
      .limit(limit)
      .execute()
    return (rows ?? []).map(toView)
  }
  return async (of: Among, { userId }: Actor, page: TrackPage): Promise<TrackView[]> => {
    if (of.labels.length > 0) return labelled(of, userId, page)
    const { scope, ownerId } = of
    const values = { userId, ownerId, ...page }
    if (scope === 'mine')
      return ownerId === undefined || ownerId === userId ? (await lists.mine(values)).map(toView) : []
    const list =
      scope === 'liked'
        ? lists[ownerId === undefined ? 'liked' : 'likedOfOwner']
        : lists[ownerId === undefined ? 'found' : 'ofOwner']
    return (await list(values)).map(toView)
  }
}

/** What streams must know before it lets somebody hear a track. */
export interface Playable {
  readonly trackId: string
  readonly ownerId: string
  readonly media: string
  readonly durationMs: number
}

/** Throws Rejection `track-not-found`, `track-not-ready`. */
export const readPlayable =
  ({ caches, people }: Pick<OneTrackDeps, 'caches' | 'people'>) =>
  async (trackId: string, actor: Actor): Promise<Playable | undefined> => {
    const { value: track } = await caches.tracks.read(trackId)
    const relation = track && (await people.seenBy(track, actor.userId))
    const { ownerId, media, durationMs } = visibleTo(track, actor, relation)
    return media === null || durationMs === null ? undefined : { trackId, ownerId, media, durationMs }
  }

/** Of these tracks those that everybody may find, or those of them that this person finds. */
export const readListed =
  (db: Kysely<TracksDatabase>) =>
  async (trackIds: readonly string[], userId?: string): Promise<string[]> => {
    const found = userId === undefined ? db.selectFrom('tracks').where(isFound) : foundBy(db, { userId })
    const rows = await found.select('id').where('id', 'in', trackIds).execute()
    return rows.map(({ id }) => id)
  }
