import { type Kysely, sql } from 'kysely'
import { followsOwner } from '../adapters/relations.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Actor, maySee, type Relation, type Visibility } from '../domain/visibility.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'
import { notBlocked, type OneTrackDeps, relationTo } from './tracks.ts'

/** A playlist as it is shown. */
export interface PlaylistView {
  readonly id: string
  readonly ownerId: string
  readonly version: number
  readonly title: string
  readonly description: string
  readonly visibility: Visibility
  /** Of all its tracks, whoever may hear them. */
  readonly length: number
  readonly changedAt: Date
}

const columns = ['id', 'owner_id', 'version', 'title', 'description', 'visibility', 'changed_at'] as const
const length = sql<number>`cardinality(track_ids)`.as('length')

type Row = Pick<TracksDatabase['playlists'], (typeof columns)[number]> & { length: number }

const view = ({
  id,
  owner_id,
  version,
  title,
  description,
  visibility,
  changed_at,
  ...rest
}: Row): PlaylistView => ({
  ...{ id, ownerId: owner_id, version, title, description, visibility, changedAt: changed_at },
  length: rest.length,
})

/** Those of these tracks that the actor may know of, by id. */
const tracksFor = async (
  db: Kysely<TracksDatabase>,
  trackIds: readonly string[],
  actor: Actor,
): Promise<ReadonlyMap<string, TrackView>> => {
  const rows = await db
    .selectFrom('tracks')
    .select([...trackColumns, ...relationTo(actor, 'tracks.owner_id')])
    .where(sql<boolean>`id = any(${trackIds}::uuid[])`)
    .execute()
  return new Map(
    rows.flatMap((row) => (maySee(toView(row), actor, row) ? [[row.id, toView(row)] as const] : [])),
  )
}

/** Which of these tracks the actor may know of. */
export const knownTracks =
  (db: Kysely<TracksDatabase>) =>
  async (trackIds: readonly string[], actor: Actor): Promise<readonly string[]> => [
    ...(await tracksFor(db, trackIds, actor)).keys(),
  ]

/** What is in a playlist, in its order; nothing in one that is not there. */
export const tracksOf =
  (db: Kysely<TracksDatabase>) =>
  async (playlistId: string): Promise<readonly string[]> => {
    const row = await db
      .selectFrom('playlists')
      .select('track_ids')
      .where('id', '=', playlistId)
      .executeTakeFirst()
    return row?.track_ids ?? []
  }

/** What is between the actor and each of these people, by their ids. */
const prepareRelations = ({ db, prepare }: Pick<OneTrackDeps, 'db' | 'prepare'>) => {
  const find = prepare(
    'tracks-relations',
    ({ owners, userId }: { owners: readonly string[]; userId: string }) =>
      db
        .selectFrom(sql<{ owner_id: string }>`unnest(${owners}::uuid[])`.as<'owner'>(sql`owner (owner_id)`))
        .select(['owner.owner_id', ...relationTo({ userId }, 'owner.owner_id')]),
  )
  return async (owners: readonly string[], { userId }: Actor): Promise<ReadonlyMap<string, Relation>> => {
    const rows = await find({ owners, userId })
    return new Map(rows.map(({ owner_id, ...relation }) => [owner_id, relation]))
  }
}

/** Of a longer one the tracks are read by one statement: one each, where none is kept, would keep others waiting. */
const shortLength = 50

/**
 * One playlist, with those of its tracks that the caller may hear, in its order. Throws Rejection `playlist-not-found`.
 */
export const getPlaylist = (deps: Omit<OneTrackDeps, 'people'>) => {
  const { db, caches } = deps
  const relationsWith = prepareRelations(deps)
  return async (
    playlistId: string,
    actor: Actor,
  ): Promise<PlaylistView & { readonly tracks: readonly TrackView[] }> => {
    const { value: row } = await caches.playlists.read(playlistId)
    if (row === undefined) throw new Rejection('playlist-not-found')
    const { track_ids: trackIds } = row
    const isShort = trackIds.length <= shortLength
    const found = isShort ? await Promise.all(trackIds.map((id) => caches.tracks.read(id))) : []
    const kept = found.flatMap(({ value }) => value ?? [])
    const owners = new Set([row.owner_id, ...kept.map(({ ownerId }) => ownerId)])
    const [relations, read] = await Promise.all([
      relationsWith([...owners], actor),
      isShort ? undefined : tracksFor(db, trackIds, actor),
    ])
    const shown = view({ ...row, length: trackIds.length })
    if (!maySee(shown, actor, relations.get(row.owner_id))) throw new Rejection('playlist-not-found')
    const tracks =
      read ??
      new Map(
        kept
          .filter((track) => maySee(track, actor, relations.get(track.ownerId)))
          .map((track) => [track.id, track]),
      )
    return { ...shown, tracks: trackIds.flatMap((id) => tracks.get(id) ?? []) }
  }
}

/** The newest first: the caller's own, or those of somebody that others find. */
export const listPlaylists =
  (db: Kysely<TracksDatabase>) =>
  async (
    ownerId: string,
    actor: Actor,
    { after, limit }: { readonly after: string | undefined; readonly limit: number },
  ): Promise<PlaylistView[]> => {
    const rows = await db
      .selectFrom('playlists')
      .select([...columns, length])
      .where('owner_id', '=', ownerId)
      .$if(ownerId !== actor.userId && !actor.moderator, (query) =>
        query
          .where(notBlocked(actor, 'playlists.owner_id'))
          .where((eb) =>
            eb.or([
              eb('visibility', '=', 'public'),
              eb.and([eb('visibility', '=', 'followers'), followsOwner(actor.userId, 'playlists.owner_id')]),
            ]),
          ),
      )
      .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '<', after)))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(view)
  }
