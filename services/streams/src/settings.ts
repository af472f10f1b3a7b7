import {
  bytes,
  duration,
  type EnvironmentValues,
  integer,
  optional,
  secret,
  string,
  url,
} from '@veza/kit/env'
import { objectsEnvironment } from '@veza/kit/objects'

/** The settings of streams, for readEnv in whichever process it runs. */
export const streamsEnvironment = {
  ...objectsEnvironment,
  SERVICE_TOKEN: secret('what other processes of Veza show to the internal API'),
  TRACKS_INTERNAL_URL: url("tracks' internal API"),
  CHAT_INTERNAL_URL: url("chat's internal API"),
  STREAMS_DATABASE_URL: url("streams' PostgreSQL database", undefined, {
    schemes: ['postgres', 'postgresql'],
  }),
  STREAMS_DATABASE_CONNECTIONS: integer('connections to the database at most', 5, { min: 1, max: 100 }),
  STREAMS_PUBLIC_URL: optional(url('base of the URLs of streams, where it is not what clients call us by')),
  STREAMS_SESSION: duration('how long a playback is good for, beyond the length of its track', '2h'),
  STREAMS_RECHECK: duration(
    'how long somebody goes on hearing a track that they may not hear any more',
    '5s',
  ),
  STREAMS_MEMORY: bytes('memory for the segments that are heard most', '128MiB'),
  STREAMS_ACCEL_PREFIX: optional(
    string('where a front server has the objects, such as /objects/: it sends them, by X-Accel-Redirect'),
  ),
} as const

/** Their values. */
export type StreamsSettings = EnvironmentValues<typeof streamsEnvironment>
