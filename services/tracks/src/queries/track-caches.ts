import { type Cache, type Caches, type SharedForm } from '@veza/kit/cache'
import { currentVersionOf } from '@veza/kit/events'
import { type Database } from '@veza/kit/postgres'
import { sql } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { playlistStream } from '../adapters/playlists.ts'
import { streamOf } from '../adapters/tracks.ts'
import { type PeopleOfTrack } from './people-of-track.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'

/** What of a track is the same for everybody who looks at it. */
export interface TrackCaches {
  /** By id, of the version of its stream. */
  readonly tracks: Cache<TrackView>
  /** How many like it. It has no events: its version is when it was counted, in milliseconds of this process. */
  readonly likes: Cache<number>
  /** By id, of the version of its stream. */
  readonly playlists: Cache<StoredPlaylist>
}

/** A playlist, whoever may see it, and whatever of it they may hear. */
export type StoredPlaylist = Pick<TracksDatabase['playlists'], (typeof playlistColumns)[number]>

export const playlistColumns = [
  ...([
    'id',
    'owner_id',
    'version',
    'title',
    'description',
    'visibility',
    'changed_at',
    'track_ids',
  ] as const),
] as const

const trackBytes = 32 * 1024 ** 2
const likesBytes = 8 * 1024 ** 2
const playlistBytes = 16 * 1024 ** 2
/** Likes that other processes took are counted so late. */
const likesMs = 1_000

const dates = ['uploadedAt', 'publishAt', 'publishedAt'] as const

/** What a track says of itself is public by its nature, and stands unsealed in its events too. */
const form: SharedForm<TrackView> = {
  write: (_, track) => JSON.stringify(track),
  read: (_, text) => {
    const track = JSON.parse(text) as Record<(typeof dates)[number], string | null> & TrackView
    const read = (date: (typeof dates)[number]) => (track[date] === null ? null : new Date(track[date]))
    return { ...track, ...Object.fromEntries(dates.map((date) => [date, read(date)])) }
  },
}

/** As a track: what it says is in its events as it is. */
const playlistForm: SharedForm<StoredPlaylist> = {
  write: (_, playlist) => JSON.stringify(playlist),
  read: (_, text) => {
    const playlist = JSON.parse(text) as StoredPlaylist
    return { ...playlist, changed_at: new Date(playlist.changed_at) }
  },
}

/** The version that is current and the row of it, of one moment: a track that is gone is so as of a version too. */
const prepareRows = ({ db, prepare }: Pick<Database<TracksDatabase>, 'db' | 'prepare'>) =>
  prepare(
    'tracks-rows',
    ({ trackIds, streams }: { trackIds: readonly string[]; streams: readonly string[] }) =>
      db
        .selectFrom(
          sql<{ asked_id: string; current: number }>`(
            select id as asked_id, ${currentVersionOf(sql.ref('given.stream'))} as current
            from unnest(${trackIds}::uuid[], ${streams}::text[]) as given (id, stream))`.as('asked'),
        )
        .leftJoin('tracks', 'tracks.id', 'asked.asked_id')
        .select(['asked.asked_id', 'asked.current', ...trackColumns]),
  )

const preparePlaylist = ({ db, prepare }: Pick<Database<TracksDatabase>, 'db' | 'prepare'>) =>
  prepare('tracks-playlist', ({ playlistId, stream }: { playlistId: string; stream: string }) =>
    db
      .selectFrom(sql<{ current: number }>`(select ${currentVersionOf(stream)} as current)`.as('stream'))
      .leftJoin('playlists', (join) => join.on('playlists.id', '=', playlistId))
      .select(['stream.current', ...playlistColumns]),
  )

type JoinedPlaylist = Awaited<ReturnType<ReturnType<typeof preparePlaylist>>>[number]
const isPlaylist = (row: JoinedPlaylist): row is JoinedPlaylist & StoredPlaylist => row.id !== null

type Joined = Awaited<ReturnType<ReturnType<typeof prepareRows>>>[number]
type Row = Parameters<typeof toView>[0]
const isThere = (row: Joined): row is Joined & Row => row.id !== null

/** @param caches those of the process */
export const openTrackCaches = (
  database: Pick<Database<TracksDatabase>, 'db' | 'prepare'>,
  { countLikes }: Pick<PeopleOfTrack, 'countLikes'>,
  caches: Pick<Caches, 'open'>,
): TrackCaches => {
  const rowsOf = prepareRows(database)
  const playlistOf = preparePlaylist(database)
  return {
    tracks: caches.open({
      name: 'track',
      maxBytes: trackBytes,
      shared: form,
      // Whoever is told that it is ready asks at once, and may be told before this process is.
      keeps: ({ status }) => status === 'ready',
      async loadAll(trackIds) {
        const rows = await rowsOf({ trackIds, streams: trackIds.map(streamOf) })
        return new Map(
          rows.map((row) => [
            row.asked_id,
            isThere(row)
              ? { version: row.version, value: toView(row) }
              : { version: row.current, value: undefined },
          ]),
        )
      },
    }),
    likes: caches.open({
      name: 'likes',
      maxBytes: likesBytes,
      ttlMs: likesMs,
      async load(trackId) {
        const version = performance.now()
        return { version, value: await countLikes(trackId) }
      },
    }),
    playlists: caches.open({
      name: 'playlist',
      maxBytes: playlistBytes,
      shared: playlistForm,
      async load(playlistId) {
        const [row] = await playlistOf({ playlistId, stream: playlistStream(playlistId) })
        return row !== undefined && isPlaylist(row)
          ? { version: row.version, value: row }
          : { version: row?.current ?? 0, value: undefined }
      },
    }),
  }
}
