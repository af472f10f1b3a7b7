import { type Kysely, sql } from 'kysely'
import { blockedWithOwner, followsOwner } from '../adapters/relations.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Actor, type ReportReason, visibleTo, type Visibility } from '../domain/track.ts'

/** A track as it is shown. */
export interface TrackView {
  readonly id: string
  readonly ownerId: string
  readonly version: number
  readonly status: 'processing' | 'ready' | 'failed'
  readonly visibility: Visibility
  readonly title: string
  readonly description: string
  readonly artist: string | null
  readonly album: string | null
  readonly genre: string | null
  readonly tags: readonly string[]
  readonly durationMs: number | null
  readonly loudness: number | null
  readonly truePeak: number | null
  readonly gain: number | null
  readonly failure: string | null
  readonly cover: string | null
  readonly media: string | null
  readonly uploadedAt: Date
  readonly publishAt: Date | null
  /** Since when others find it; null: they never did. */
  readonly publishedAt: Date | null
  readonly takenDown: ReportReason | null
}

export const trackColumns = [
  ...([
    'id',
    'owner_id',
    'version',
    'status',
    'visibility',
    'title',
    'description',
    'artist',
    'album',
  ] as const),
  ...([
    'genre',
    'tags',
    'duration_ms',
    'loudness',
    'true_peak',
    'gain',
    'failure',
    'cover',
    'media',
    'uploaded_at',
    'publish_at',
    'published_at',
    'taken_down',
  ] as const),
] as const

type Row = Pick<TracksDatabase['tracks'], (typeof trackColumns)[number]>

export const toView = (row: Row): TrackView => ({
  ...{
    id: row.id,
    ownerId: row.owner_id,
    version: row.version,
    status: row.status,
    visibility: row.visibility,
  },
  ...{
    title: row.title,
    description: row.description,
    artist: row.artist,
    album: row.album,
    genre: row.genre,
  },
  ...{ tags: row.tags, durationMs: row.duration_ms, loudness: row.loudness, truePeak: row.true_peak },
  ...{
    gain: row.gain,
    failure: row.failure,
    cover: row.cover,
    media: row.media,
    uploadedAt: row.uploaded_at,
  },
  ...{ publishAt: row.publish_at, publishedAt: row.published_at, takenDown: row.taken_down },
})

/** A Relation, as columns `follows` and `blocked`. */
export const relationTo = ({ userId }: Actor, owner: string) =>
  [followsOwner(userId, owner).as('follows'), blockedWithOwner(userId, owner).as('blocked')] as const

/** Whose rows these are, where owner and asker have nothing against each other. */
export const notBlocked = ({ userId }: Actor, owner: string) =>
  sql<boolean>`not ${blockedWithOwner(userId, owner)}`

/** One track, with its likes. Throws Rejection `track-not-found`. */
export const getTrack =
  (db: Kysely<TracksDatabase>) =>
  async (
    trackId: string,
    actor: Actor,
  ): Promise<TrackView & { readonly likes: number; readonly liked: boolean }> => {
    const row = await db
      .selectFrom('tracks')
      .select(trackColumns)
      .select((eb) => [
        eb
          .selectFrom('likes')
          .whereRef('likes.track_id', '=', 'tracks.id')
          .select((inner) => inner.fn.countAll<number>().as('n'))
          .as('likes'),
        eb
          .exists(
            eb
              .selectFrom('likes')
              .whereRef('likes.track_id', '=', 'tracks.id')
              .where('user_id', '=', actor.userId)
              .select('user_id'),
          )
          .as('liked'),
        ...relationTo(actor, 'tracks.owner_id'),
      ])
      .where('id', '=', trackId)
      .executeTakeFirst()
    const { likes, liked, ...found } = visibleTo(
      row && { ...toView(row), likes: row.likes ?? 0, liked: row.liked === true },
      actor,
      row,
    )
    return { ...found, likes, liked }
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
  readonly limit: number
}

/** The youngest first: those of the caller, whatever their state, or those of all or one other that all may find. */
export const listTracks =
  (db: Kysely<TracksDatabase>) =>
  async (
    { mine, ownerId, likedBy }: { mine: boolean; ownerId: string | undefined; likedBy: string | undefined },
    actor: Actor,
    { after, limit }: TrackPage,
  ): Promise<TrackView[]> => {
    let query = db.selectFrom('tracks').select(trackColumns).orderBy('id', 'desc').limit(limit)
    if (mine) query = query.where('owner_id', '=', actor.userId)
    else
      query = query
        .where('visibility', '=', 'public')
        .where('status', '=', 'ready')
        .where('taken_down', 'is', null)
        .where(notBlocked(actor, 'tracks.owner_id'))
    if (ownerId !== undefined) query = query.where('owner_id', '=', ownerId)
    if (likedBy !== undefined)
      query = query.where('id', 'in', (eb) =>
        eb.selectFrom('likes').select('track_id').where('user_id', '=', likedBy),
      )
    if (after !== undefined) query = query.where('id', '<', after)
    return (await query.execute()).map(toView)
  }

/**
 * What all may find by words, in any order, or by words that are nearly right; the best first.
 *
 * @param page offset counts from the first hit
 */
export const searchTracks =
  (db: Kysely<TracksDatabase>) =>
  async (
    words: string,
    actor: Actor,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<TrackView[]> => {
    const exact = sql`websearch_to_tsquery('simple', ${words})`
    const rows = await db
      .selectFrom('tracks')
      .select(trackColumns)
      .where('visibility', '=', 'public')
      .where('status', '=', 'ready')
      .where('taken_down', 'is', null)
      .where(notBlocked(actor, 'tracks.owner_id'))
      .where((eb) => eb.or([sql<boolean>`search @@ ${exact}`, sql<boolean>`${words} <% search_text`]))
      .orderBy(sql`ts_rank(search, ${exact}) + word_similarity(${words}, search_text)`, 'desc')
      .orderBy('id', 'desc')
      .offset(offset)
      .limit(limit)
      .execute()
    return rows.map(toView)
  }

/** A place in the feed. */
export interface FeedPlace {
  readonly publishedAt: Date
  readonly id: string
}

export type FeedTrack = TrackView & { readonly publishedAt: Date }

/** What those whom the caller follows let their followers hear, what came last first. */
export const readFeed =
  (db: Kysely<TracksDatabase>) =>
  async (
    { userId }: Actor,
    { after, limit }: { after: FeedPlace | undefined; limit: number },
  ): Promise<FeedTrack[]> => {
    const before = sql<boolean>`(published_at, id) < (${after?.publishedAt}, ${after?.id}::uuid)`
    // A page of each of them, of which a page is left: the index gives each without reading what is older.
    const rows = await db
      .selectFrom(
        sql<{ followee_id: string }>`(
        select followee_id from relations.follows where follower_id = ${userId})`.as('followed'),
      )
      .innerJoinLateral(
        (eb) =>
          eb
            .selectFrom('tracks')
            .select(trackColumns)
            .whereRef('owner_id', '=', 'followed.followee_id')
            .where('visibility', 'in', ['public', 'followers'])
            .where('status', '=', 'ready')
            .where('taken_down', 'is', null)
            .$if(after !== undefined, (query) => query.where(before))
            .orderBy('published_at', 'desc')
            .orderBy('id', 'desc')
            .limit(limit)
            .as('news'),
        (join) => join.onTrue(),
      )
      .selectAll('news')
      .orderBy('news.published_at', 'desc')
      .orderBy('news.id', 'desc')
      .limit(limit)
      .execute()
    return rows.map((row) => ({ ...toView(row), publishedAt: row.published_at ?? row.uploaded_at }))
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
  (db: Kysely<TracksDatabase>) =>
  async (trackId: string, actor: Actor): Promise<Playable | undefined> => {
    const row = await db
      .selectFrom('tracks')
      .select(['owner_id as ownerId', 'visibility', 'taken_down as takenDown', 'media', 'duration_ms'])
      .select(relationTo(actor, 'tracks.owner_id'))
      .where('id', '=', trackId)
      .executeTakeFirst()
    const { ownerId, media, duration_ms: durationMs } = visibleTo(row, actor, row)
    return media === null || durationMs === null ? undefined : { trackId, ownerId, media, durationMs }
  }

/** Of these tracks those that everybody may find. */
export const readListed =
  (db: Kysely<TracksDatabase>) =>
  async (trackIds: readonly string[]): Promise<string[]> => {
    const rows = await db
      .selectFrom('tracks')
      .select('id')
      .where('id', 'in', trackIds)
      .where('visibility', '=', 'public')
      .where('status', '=', 'ready')
      .where('taken_down', 'is', null)
      .execute()
    return rows.map(({ id }) => id)
  }
