import { type Codec } from '@veza/contracts'
import { type Api, createApi, type First } from '@veza/kit/http'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { openObjects } from '@veza/kit/objects'
import { openDatabase } from '@veza/kit/postgres'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { addressTags } from './adapters/address-tags.ts'
import { type AnalyticsDatabase } from './adapters/analytics.ts'
import { chatApi } from './adapters/chat-api.ts'
import { passes as signedPasses } from './adapters/passes.ts'
import { streamFiles } from './adapters/stream-files.ts'
import { playRule } from './adapters/play-rule.ts'
import { listedTracks, rememberPlayable, tracksApi } from './adapters/tracks-api.ts'
import { reportListening } from './commands/report-listening.ts'
import { startPlayback } from './commands/start-playback.ts'
import { openFile, openKept } from './queries/open-file.ts'
import { readDays, readOwned, readRoomStats, readTrackStats, readTrending } from './queries/statistics.ts'
import { keptFiles, mountFiles } from './routes/files.ts'
import { mountPlayback } from './routes/playback.ts'
import { mountStatistics } from './routes/statistics.ts'
import { type StreamsSettings } from './settings.ts'

/** What the process around streams gives it, and closes after it. */
export interface StreamsCommon {
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly verifier: TokenVerifier
  readonly kafka: Pick<Kafka, 'producer'>
  readonly codec: Codec
  /** The present; the system's clock unless given. */
  readonly now?: () => Date
}

/** Streams, running. It keeps no state of listeners but its memory: any process serves any listener. */
export interface Streams {
  readonly app: Api
  /** Answers what is in memory, before the app: for `serve`. */
  readonly first: First
  /** Readiness: undefined when well, otherwise what is wrong. */
  readonly checks: Readonly<Record<string, () => Promise<string | undefined>>>
  close(): Promise<void>
}

/** While tracks is away, whoever hears something hears it to the end. */
const graceMs = 5 * 60_000
const redirectSeconds = 300
const reportTimeoutMs = 5_000

export const openStreams = (settings: StreamsSettings, common: StreamsCommon): Streams => {
  const { log, telemetry, verifier, kafka, codec, now = () => new Date() } = common
  const objects = openObjects(settings)
  const files = streamFiles(objects, settings.STREAMS_MEMORY)
  const producer = kafka.producer({ deliveryTimeoutMs: reportTimeoutMs })
  const passes = signedPasses(settings.SERVICE_TOKEN, now)
  const tracksAt = { baseUrl: settings.TRACKS_INTERNAL_URL, token: settings.SERVICE_TOKEN }
  const ask = tracksApi(tracksAt)
  const database = openDatabase<AnalyticsDatabase>(settings.STREAMS_DATABASE_URL, {
    applicationName: 'streams',
    poolSize: settings.STREAMS_DATABASE_CONNECTIONS,
    log,
  })
  const { db } = database
  const tag = addressTags(settings.SERVICE_TOKEN)
  const remembered = rememberPlayable(ask, { ttlMs: settings.STREAMS_RECHECK, graceMs }, now)

  const app = createApi({ log, telemetry })
  mountPlayback(
    app,
    verifier,
    {
      startPlayback: startPlayback({ ask, passes, sessionMs: settings.STREAMS_SESSION, now }),
      reportListening: reportListening({ passes, tag, codec, producer, now }),
    },
    settings.STREAMS_PUBLIC_URL,
  )
  mountStatistics(app, verifier, {
    readTrackStats: readTrackStats({ db, ask: remembered, rule: playRule, now }),
    readTrending: readTrending({ db, askListed: listedTracks(tracksAt), rule: playRule, now }),
    readOwned: readOwned({ db, rule: playRule, now }),
    readRoomStats: readRoomStats({
      db,
      isMember: chatApi({ baseUrl: settings.CHAT_INTERNAL_URL, token: settings.SERVICE_TOKEN }),
      now,
    }),
    readDays: readDays({ db, now }),
  })
  const accel = settings.STREAMS_ACCEL_PREFIX
  const opening = { passes, ask: remembered, files }
  mountFiles(
    app,
    {
      openFile: openFile(opening),
      readFile: (file, range) => files.read(file, range),
      elsewhere: (key) => objects.signedUrl(key, redirectSeconds),
    },
    accel,
  )
  return {
    app,
    first: keptFiles(telemetry, openKept({ ...opening, handedOver: accel !== undefined }), accel),
    checks: { 'streams-objects': () => objects.check(), 'streams-database': () => database.check() },
    async close() {
      await producer.close()
      objects.close()
      await database.close()
    },
  }
}
