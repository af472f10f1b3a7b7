import { type Kysely, sql } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type Actor, visibleTo, type Visibility } from '../domain/track.ts'

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
  readonly media: string | null
  readonly uploadedAt: Date
}

const columns = [
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
    'media',
    'uploaded_at',
  ] as const),
] as const

type Row = Pick<TracksDatabase['tracks'], (typeof columns)[number]>

const toView = (row: Row): TrackView => ({
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
  ...{ gain: row.gain, failure: row.failure, media: row.media, uploadedAt: row.uploaded_at },
})

/** One track, with its likes. Throws Rejection `track-not-found`. */
export const getTrack =
  (db: Kysely<TracksDatabase>) =>
  async (
    trackId: string,
    actor: Actor,
  ): Promise<TrackView & { readonly likes: number; readonly liked: boolean }> => {
    const row = await db
      .selectFrom('tracks')
      .select(columns)
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
      ])
      .where('id', '=', trackId)
      .executeTakeFirst()
    const { likes, liked, ...found } = visibleTo(
      row && { ...toView(row), likes: row.likes ?? 0, liked: row.liked === true },
      actor,
    )
    return { ...found, likes, liked }
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
    let query = db.selectFrom('tracks').select(columns).orderBy('id', 'desc').limit(limit)
    if (mine) query = query.where('owner_id', '=', actor.userId)
    else query = query.where('visibility', '=', 'public').where('status', '=', 'ready')
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
  async (words: string, { offset, limit }: { offset: number; limit: number }): Promise<TrackView[]> => {
    const exact = sql`websearch_to_tsquery('simple', ${words})`
    const rows = await db
      .selectFrom('tracks')
      .select(columns)
      .where('visibility', '=', 'public')
      .where('status', '=', 'ready')
      .where((eb) => eb.or([sql<boolean>`search @@ ${exact}`, sql<boolean>`${words} <% search_text`]))
      .orderBy(sql`ts_rank(search, ${exact}) + word_similarity(${words}, search_text)`, 'desc')
      .orderBy('id', 'desc')
      .offset(offset)
      .limit(limit)
      .execute()
    return rows.map(toView)
  }

/** What streams must know before it lets somebody hear a track. */
export interface Playable {
  readonly trackId: string
  readonly media: string
  readonly durationMs: number
}

/** Throws Rejection `track-not-found`, `track-not-ready`. */
export const readPlayable =
  (db: Kysely<TracksDatabase>) =>
  async (trackId: string, actor: Actor): Promise<Playable | undefined> => {
    const row = await db
      .selectFrom('tracks')
      .select(['owner_id as ownerId', 'visibility', 'media', 'duration_ms'])
      .where('id', '=', trackId)
      .executeTakeFirst()
    const { media, duration_ms: durationMs } = visibleTo(row, actor)
    return media === null || durationMs === null ? undefined : { trackId, media, durationMs }
  }
