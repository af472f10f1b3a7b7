import { duration, integer, optional, url } from '@veza/kit/env'
import { audioEnvironment } from '@veza/kit/media'
import { objectsEnvironment } from '@veza/kit/objects'

/** The worker's settings, beside those of every process of workers. */
export const transcodeEnvironment = {
  ...objectsEnvironment,
  ...audioEnvironment,
  TRACKS_DATABASE_URL: url("tracks' PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  TRANSCODE_CONCURRENCY: optional(
    integer('tracks at once, two cores each; half as many as there are cores unless given', undefined, {
      min: 1,
      max: 256,
    }),
  ),
  TRANSCODE_LEASE: duration('how long the job of a worker that died stays its own', '30s'),
  TRANSCODE_STALL: duration('how long ffmpeg may make no progress before it is killed', '60s'),
  TRANSCODE_ATTEMPTS: integer('how often a job is tried before its track has failed', 5, {
    min: 1,
    max: 100,
  }),
  INTERNAL_PORT: integer('the port of probes and metrics', 9084, { max: 65_535 }),
} as const
