import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
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

/** Tracks that everybody may find, but for those of whom one of the two blocks. */
export const foundBy = (db: Kysely<TracksDatabase>, actor: Pick<Actor, 'userId'>) =>
  db
    .selectFrom('tracks')
    .where('visibility', '=', 'public')
    .where('status', '=', 'ready')
    .where('taken_down', 'is', null)
    .where(notBlocked(actor, 'tracks.owner_id'))

/** One track, with its likes. Throws Rejection `track-not-found`. */
export const getTrack = ({ db, prepare }: ReadDeps) => {
  const find = prepare('tracks-one', ({ trackId, userId }: { trackId: string; userId: string }) =>
    db
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
              .where('user_id', '=', userId)
              .select('user_id'),
          )
          .as('liked'),
        ...relationTo({ userId }, 'tracks.owner_id'),
      ])
      .where('id', '=', trackId),
  )
  return async (
    trackId: string,
    actor: Actor,
  ): Promise<TrackView & { readonly likes: number; readonly liked: boolean }> => {
    const [row] = await find({ trackId, userId: actor.userId })
    const { likes, liked, ...found } = visibleTo(
      row && { ...toView(row), likes: row.likes ?? 0, liked: row.liked === true },
      actor,
      row,
    )
    return { ...found, likes, liked }
  }
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
        list(values)
          .select(trackColumns)
          .$if(isNext, (query) => query.where('tracks.id', '<', values.after ?? ''))
          .orderBy('tracks.id', 'desc')
          .limit(sql<number>`${values.limit}`),
      )
    const [first, next] = [page(false), page(true)]
    return (values: ListValues) => (values.after === undefined ? first : next)(values)
  }
  const ofOwner = (values: ListValues) => foundBy(db, values).where('owner_id', '=', values.ownerId ?? '')
  const liked = (values: ListValues) =>
    // Not `in`: joined, the index of likes gives the youngest tracks first, and no more of them than a page.
    foundBy(db, values).innerJoin('likes', (join) =>
      join.onRef('likes.track_id', '=', 'tracks.id').on('likes.user_id', '=', values.userId),
    )
  const lists = {
    mine: prepared('tracks-mine', ({ userId }) => db.selectFrom('tracks').where('owner_id', '=', userId)),
    found: prepared('tracks-found', (values) => foundBy(db, values)),
    ofOwner: prepared('tracks-of-owner', ofOwner),
    liked: prepared('tracks-liked', liked),
    likedOfOwner: prepared('tracks-liked-of-owner', (values) =>
      liked(values).where('owner_id', '=', values.ownerId ?? ''),
    ),
  }
  return async (
    { scope, ownerId }: { scope: 'public' | 'mine' | 'liked'; ownerId: string | undefined },
    { userId }: Actor,
    page: TrackPage,
  ): Promise<TrackView[]> => {
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
export const readPlayable = ({ db, prepare }: ReadDeps) => {
  const find = prepare('tracks-playable', ({ trackId, userId }: { trackId: string; userId: string }) =>
    db
      .selectFrom('tracks')
      .select(['owner_id as ownerId', 'visibility', 'taken_down as takenDown', 'media', 'duration_ms'])
      .select(relationTo({ userId }, 'tracks.owner_id'))
      .where('id', '=', trackId),
  )
  return async (trackId: string, actor: Actor): Promise<Playable | undefined> => {
    const [row] = await find({ trackId, userId: actor.userId })
    const { ownerId, media, duration_ms: durationMs } = visibleTo(row, actor, row)
    return media === null || durationMs === null ? undefined : { trackId, ownerId, media, durationMs }
  }
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
