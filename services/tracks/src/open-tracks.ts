import { type Codec, topics } from '@veza/contracts'
import { addressBook, auditOf, mountAuditSource } from '@veza/kit/audit'
import { type Caches, uncached } from '@veza/kit/cache'
import { type EventMetadata } from '@veza/kit/events'
import { type Api, bearer, type CallerMiddleware, createApi, openAnswers } from '@veza/kit/http'
import { type Logger } from '@veza/kit/log'
import { sweepWorkFolders } from '@veza/kit/media'
import { openObjects } from '@veza/kit/objects'
import { mountPersonalData } from '@veza/kit/personal-data'
import { openDatabase } from '@veza/kit/postgres'
import { repeat } from '@veza/kit/repeat'
import { createSealing, openKeyEncryption } from '@veza/kit/sealing'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { tmpdir } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { openCovers } from './adapters/covers.ts'
import { isErased } from './adapters/erased-owners.ts'
import { openPlaylists } from './adapters/playlists.ts'
import { type TracksDatabase } from './adapters/schema.ts'
import { reviewWords } from './adapters/search-words.ts'
import { sharedLocks } from './adapters/shared-locks.ts'
import { openTracks as openAggregate } from './adapters/tracks.ts'
import { uploadFiles } from './adapters/upload-files.ts'
import { uploadStore } from './adapters/uploads.ts'
import { beginUpload } from './commands/begin-upload.ts'
import { changeCover } from './commands/change-cover.ts'
import { changePlaylist } from './commands/change-playlist.ts'
import { changeTrack } from './commands/change-track.ts'
import { type BegunUpload, finishUpload, probeFolder } from './commands/finish-upload.ts'
import { likeTrack } from './commands/like-track.ts'
import { moderateTrack, reportTrack } from './commands/moderate-track.ts'
import { publishDue } from './commands/publish-due.ts'
import { sweepUploads } from './commands/sweep-uploads.ts'
import { readCover } from './queries/covers.ts'
import { readFeed } from './queries/feed.ts'
import { readHearable } from './queries/hearable.ts'
import { readPersonalData } from './queries/personal-data.ts'
import { getPlaylist, knownTracks, listPlaylists, tracksOf } from './queries/playlists.ts'
import { listReports } from './queries/reports.ts'
import { openPeopleOfTrack } from './queries/people-of-track.ts'
import { openTrackCaches } from './queries/track-caches.ts'
import { openMeantWords, searchParameters } from './queries/meant-words.ts'
import { searchTracks } from './queries/search.ts'
import { assertOwner, getTrack, listTracks, readListed, readPlayable } from './queries/tracks.ts'
import { bodyLimits, mountCover } from './routes/cover.ts'
import { mountInternal } from './routes/internal.ts'
import { mountModeration } from './routes/moderation.ts'
import { mountPlaylists } from './routes/playlists.ts'
import { mountTracks } from './routes/tracks.ts'
import { mountUploads } from './routes/uploads.ts'
import { type TracksSettings } from './settings.ts'

/** What the process around tracks gives it, and closes after it. */
export interface TracksCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly verifier: TokenVerifier
  readonly codec: Codec
  /** Told of changes; without them nothing is cached. */
  readonly caches?: Pick<Caches, 'open'>
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
}

/** Tracks, running. */
export interface Tracks {
  /** Its public HTTP API. Uploads need the Node request and response, so it must be served, not only called. */
  readonly app: Api
  /** Its API for Veza's own processes: the internal listener's app. */
  readonly internal: Api
  /** Of routes whose bodies may be larger than others', for the edge in front of the app. */
  readonly bodyLimits: Readonly<Record<string, number>>
  /** Readiness: undefined when well, otherwise what is wrong. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  /** Finishes uploads that are whole, removes those that have expired. Runs every minute by itself. */
  sweep(): Promise<void>
  /** Publishes what is due. Runs every few seconds by itself. */
  publish(): Promise<number>
  close(): Promise<void>
}

/** Paths whose bodies are as large as files: for the `streamedBodies` of an API that tracks is part of. */
export const streamedBodies = ['/v1/uploads'] as const

const sweepEveryMs = 60_000
const publishEveryMs = 5_000
const sweepFoldersEveryMs = 60 * 60 * 1000
/** A minute: 700,000 a day. */
const wordsAtOnce = 500

/** Opens tracks on its migrated database ('@veza/tracks/migrate'). */
export const openTracks = async (settings: TracksSettings, common: TracksCommon): Promise<Tracks> => {
  const { log, telemetry, verifier, codec, caches = uncached, now = () => new Date() } = common
  const keyEncryption = openKeyEncryption(settings, log)
  const database = openDatabase<TracksDatabase>(settings.TRACKS_DATABASE_URL, {
    applicationName: 'tracks',
    poolSize: settings.TRACKS_DATABASE_CONNECTIONS,
    parameters: searchParameters,
    log,
  })
  const { db } = database
  const people = openPeopleOfTrack(database)
  const trackCaches = openTrackCaches(database, people, caches)
  const reading = { db, prepare: database.prepare, caches: trackCaches, people }
  const getOne = getTrack(reading)
  const addresses = addressBook(createSealing({ db, keyEncryption }), 'tracks')
  const objects = openObjects(settings)
  const covers = openCovers(objects)
  const files = await uploadFiles(settings.UPLOADS_DIR, settings.UPLOAD_EXPIRY)
  const locks = sharedLocks(settings.TRACKS_DATABASE_URL, log)
  const like = likeTrack(db, now)
  const tracks = openAggregate(codec, (trackId, version) => {
    trackCaches.tracks.changed(trackId, version)
  })
  const uploads = uploadStore(db)
  const change = changeTrack(db, tracks)
  const [report, moderate] = [reportTrack(db, tracks, now), moderateTrack(db, tracks)]
  const changeList = changePlaylist({
    playlists: openPlaylists(db, codec, (playlistId, version) => {
      trackCaches.playlists.changed(playlistId, version)
    }),
    knownTracks: knownTracks(db),
    tracksOf: tracksOf(db),
    isErased: (userId) => isErased(db, userId),
  })
  const finishSealed = finishUpload({
    ...{ db, tracks, uploads, files, locks, objects, covers, now },
    limits: { maxDurationSeconds: settings.TRACK_MAX_DURATION / 1000 },
  })
  const finish = async (upload: BegunUpload, metadata: EventMetadata): Promise<void> =>
    finishSealed(upload, await addresses.seal(metadata))
  const publish = publishDue({ db, tracks, log, now })
  const sweep = sweepUploads({ uploads, files, finish, log, now })

  const answers = openAnswers(db, { lifeMs: settings.IDEMPOTENCY_RETENTION, log })
  const caller: CallerMiddleware = [bearer(verifier), answers.once]
  const app = createApi({ log, telemetry, streamedBodies, bodyLimits })
  mountTracks(app, caller, {
    getTrack: getOne,
    listTracks: listTracks(reading),
    searchTracks: searchTracks({ ...reading, meant: openMeantWords(database, caches) }),
    readFeed: readFeed(reading),
    async changeTrack(trackId, command, { metadata, ...options }) {
      await change(trackId, command, { ...options, metadata: await addresses.seal(metadata) })
    },
    async likeTrack(trackId, userId, liked) {
      await like(trackId, userId, liked)
      trackCaches.likes.changed(trackId, performance.now())
    },
    async readWaveform(media, form) {
      const stream = await objects.read(`${media}/waveform.${form === 'json' ? 'json' : 'dat'}`)
      return stream && buffer(stream)
    },
    now,
  })
  const setCover = changeCover({
    ...{ db, tracks, covers, now },
    mayChange: assertOwner(db),
  })
  mountCover(app, caller, {
    changeCover: async (trackId, actor, picture, metadata) =>
      setCover(trackId, actor, picture, await addresses.seal(metadata)),
    readCover: readCover(db, covers),
  })
  mountPlaylists(app, caller, {
    getPlaylist: getPlaylist(reading),
    listPlaylists: listPlaylists(db),
    async changePlaylist(playlistId, command, { metadata, ...options }) {
      await changeList(playlistId, command, { ...options, metadata: await addresses.seal(metadata) })
    },
    now,
  })
  mountModeration(app, caller, {
    getTrack: getOne,
    async reportTrack(trackId, said, metadata) {
      await report(trackId, said, await addresses.seal(metadata))
    },
    async moderateTrack(trackId, command, metadata) {
      await moderate(trackId, command, await addresses.seal(metadata))
    },
    listReports: listReports(db),
    now,
  })
  mountUploads(app, verifier, {
    ...{ files, locks, log, maxBytes: settings.UPLOAD_MAX_BYTES },
    handlers: {
      beginUpload: beginUpload({
        uploads,
        isErased: (userId) => isErased(db, userId),
        limits: {
          maxBytes: settings.UPLOAD_MAX_BYTES,
          quotaBytes: settings.UPLOAD_QUOTA_BYTES,
          maxOpen: settings.UPLOAD_MAX_OPEN,
          expiryMs: settings.UPLOAD_EXPIRY,
        },
        now,
      }),
      findUpload: (id, ownerId) => uploads.find(id, ownerId),
      finishUpload: finish,
      endUpload: (id) => uploads.remove(id),
      async findFinished(id, ownerId) {
        const track = await tracks.load(db, id)
        return track?.ownerId === ownerId && !track.deleted ? { bytes: track.source.bytes } : undefined
      },
      now,
    },
  })
  const internal = createApi({ log, telemetry })
  mountInternal(internal, settings.SERVICE_TOKEN, {
    readPlayable: readPlayable(reading),
    readListed: readListed(db),
    readHearable: readHearable(db),
  })
  const audit = auditOf('tracks', { db, topic: topics.tracksEvents, codec, addresses })
  mountAuditSource(internal, settings.SERVICE_TOKEN, audit)
  mountPersonalData(internal, settings.SERVICE_TOKEN, 'tracks', readPersonalData({ db, audit }))

  const upkeep = [
    repeat('sweep uploads', { everyMs: sweepEveryMs, log }, sweep),
    repeat('sweep folders', { everyMs: sweepFoldersEveryMs, log }, () =>
      sweepWorkFolders(tmpdir(), probeFolder, new Date()),
    ),
    repeat('review words', { everyMs: sweepEveryMs, log }, () => reviewWords(db, wordsAtOnce)),
    repeat('publish', { everyMs: publishEveryMs, log }, publish),
  ]

  return {
    app,
    internal,
    bodyLimits,
    checks: {
      'tracks-database': () => database.check(),
      objects: () => objects.check(),
      uploads: () => files.check(),
    },
    sweep,
    publish,
    async close() {
      await Promise.all([...upkeep, answers].map((each) => each.close()))
      await locks.close()
      objects.close()
      keyEncryption.close()
      await database.close()
    },
  }
}
