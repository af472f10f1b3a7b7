import { bytes, duration, type EnvironmentValues, integer, secret, string, url } from '@veza/kit/env'
import { idempotencyEnvironment } from '@veza/kit/http'
import { audioEnvironment } from '@veza/kit/media'
import { objectsEnvironment } from '@veza/kit/objects'
import { keyEncryptionEnvironment } from '@veza/kit/sealing'

/** The settings of whoever opens tracks' database and what is sealed in it. */
export const tracksStoreEnvironment = {
  ...keyEncryptionEnvironment,
  TRACKS_DATABASE_URL: url("tracks' PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
} as const

/** The settings of tracks, for readEnv in whichever process it runs. */
export const tracksEnvironment = {
  ...objectsEnvironment,
  ...audioEnvironment,
  ...tracksStoreEnvironment,
  ...idempotencyEnvironment,
  SERVICE_TOKEN: secret('what other processes of Veza show to the internal API'),
  TRACKS_DATABASE_CONNECTIONS: integer('connections to the database at most', 10, { min: 1, max: 100 }),
  UPLOADS_DIR: string(
    'the folder of uploads that are not whole yet; several processes of tracks share it',
    '.veza/uploads',
  ),
  UPLOAD_MAX_BYTES: bytes('size of one upload at most', '1GiB'),
  UPLOAD_QUOTA_BYTES: bytes('size of all that one person has uploaded at most', '20GiB'),
  UPLOAD_MAX_OPEN: integer('uploads that one person may have begun and not ended', 20, {
    min: 1,
    max: 1_000,
  }),
  UPLOAD_EXPIRY: duration('how long an upload may stay unfinished', '24h'),
} as const

/** Their values. */
export type TracksSettings = EnvironmentValues<typeof tracksEnvironment>
