import { type Codec, topics } from '@veza/contracts'
import { aggregate, type EventMetadata, eventStore } from '@veza/kit/events'
import { type Kysely, type Transaction } from 'kysely'
import { labelOf, withoutMarks } from '../domain/texts.ts'
import { decide, evolve, statusOf, type Track, type TrackCommand, type TrackEvent } from '../domain/track.ts'
import { projectJobs } from './job-rows.ts'
import { trackEvents, trackRecord } from './publish.ts'
import { type TracksDatabase } from './schema.ts'
import { rememberWords } from './search-words.ts'

/** Tracks by their events, with the row that queries read and the job that they ask for kept in the same transaction. */
export interface Tracks {
  /** Loads, decides, appends. Rejects with Rejection, VersionConflict, and the database's errors. */
  execute(
    db: Kysely<TracksDatabase> | Transaction<TracksDatabase>,
    trackId: string,
    command: TrackCommand,
    options?: {
      readonly metadata?: EventMetadata
      readonly idempotencyKey?: string | undefined
      readonly expectedVersion?: number | undefined
    },
  ): Promise<{
    readonly track: Track | undefined
    readonly version: number
    readonly events: readonly TrackEvent[]
  }>
  load(db: Kysely<TracksDatabase>, trackId: string): Promise<Track | undefined>
}

export const streamOf = (trackId: string): string => `track-${trackId}`

const rowOf = (track: Track, version: number) => ({
  id: track.id,
  owner_id: track.ownerId,
  version,
  status: statusOf(track),
  visibility: track.visibility,
  title: track.title,
  description: track.description,
  artist: track.artist,
  album: track.album,
  genre: track.genre,
  tags: [...track.tags],
  labels: [
    ...(track.genre === null ? [] : [labelOf('genre', track.genre)]),
    ...track.tags.map((tag) => labelOf('tag', tag)),
  ],
  search_text: withoutMarks(
    [track.title, track.artist, track.album, track.genre, ...track.tags]
      .filter((text) => text !== null)
      .join(' '),
  ),
  cover: track.cover,
  source: track.source.sha256,
  source_bytes: track.source.bytes,
  media: track.stream?.media ?? null,
  recipe: track.stream?.recipe ?? null,
  duration_ms: track.stream?.durationMs ?? null,
  loudness: track.stream?.loudness ?? null,
  true_peak: track.stream?.truePeak ?? null,
  gain: track.stream?.gain ?? null,
  failure: track.failure,
  uploaded_at: track.uploadedAt,
  publish_at: track.publishAt,
  published_at: track.publishedAt,
  taken_down: track.takenDown,
})

/** The row of a track as its events have it; a deleted one has none. Can be repeated. */
export const projectTrack = async (
  db: Kysely<TracksDatabase>,
  track: Track,
  version: number,
): Promise<void> => {
  if (track.deleted) {
    await db.deleteFrom('tracks').where('id', '=', track.id).execute()
    return
  }
  const row = rowOf(track, version)
  await db
    .insertInto('tracks')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
  const isFound = row.visibility === 'public' && row.status === 'ready' && row.taken_down === null
  if (isFound) await rememberWords(db, row.search_text)
}

/** @param changed is told of every version that a track gets here, at the latest when others can see it */
export const openTracks = (
  codec: Codec,
  changed: (trackId: string, version: number) => void = () => undefined,
): Tracks => {
  const tracks = aggregate<typeof topics.tracksEvents, Track | undefined, TrackEvent>({
    store: eventStore({ topic: topics.tracksEvents, codec }),
    initial: undefined,
    evolve,
    read: trackEvents,
    write: (events) => events.map(trackRecord),
  })
  return {
    async execute(db, trackId, command, { metadata, ...options } = {}) {
      const { state, version, events } = await tracks.execute(db, {
        stream: streamOf(trackId),
        key: trackId,
        decide: (track) => decide(command, track),
        // A person edits while a worker settles: both are right, one after the other.
        attempts: 5,
        ...(metadata && { metadata }),
        ...options,
        alongside: async (trx, executed) => {
          if (executed.state !== undefined) await projectTrack(trx, executed.state, executed.version)
          await projectJobs(trx, executed.events)
        },
      })
      changed(trackId, version)
      return { track: state, version, events }
    },
    load: async (db, trackId) => (await tracks.load(db, streamOf(trackId))).state,
  }
}
