import { type Codec } from '@veza/contracts'
import { type Api, createApi } from '@veza/kit/http'
import { type Kafka } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { openObjects } from '@veza/kit/objects'
import { type Telemetry } from '@veza/kit/telemetry'
import { type TokenVerifier } from '@veza/kit/tokens'
import { passes as signedPasses } from './adapters/passes.ts'
import { streamFiles } from './adapters/stream-files.ts'
import { rememberPlayable, tracksApi } from './adapters/tracks-api.ts'
import { reportListening } from './commands/report-listening.ts'
import { startPlayback } from './commands/start-playback.ts'
import { openFile } from './queries/open-file.ts'
import { mountFiles } from './routes/files.ts'
import { mountPlayback } from './routes/playback.ts'
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

/** Streams, running. It keeps no state but its memory: any process serves any listener. */
export interface Streams {
  readonly app: Api
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
  const ask = tracksApi({ baseUrl: settings.TRACKS_INTERNAL_URL, token: settings.SERVICE_TOKEN })
  const remembered = rememberPlayable(ask, { ttlMs: settings.STREAMS_RECHECK, graceMs }, now)

  const app = createApi({ log, telemetry })
  mountPlayback(
    app,
    verifier,
    {
      startPlayback: startPlayback({ ask, passes, sessionMs: settings.STREAMS_SESSION, now }),
      reportListening: reportListening({ passes, codec, producer, now }),
    },
    settings.STREAMS_PUBLIC_URL,
  )
  mountFiles(
    app,
    {
      openFile: openFile({ passes, ask: remembered, files }),
      readFile: (key, range) => files.read(key, range),
      elsewhere: (key) => objects.signedUrl(key, redirectSeconds),
    },
    settings.STREAMS_ACCEL_PREFIX,
  )
  return {
    app,
    checks: { 'streams-objects': () => objects.check() },
    async close() {
      await producer.close()
      objects.close()
    },
  }
}
