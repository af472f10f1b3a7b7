import { type EnvironmentValues, flag, optional, secret, string, url } from '../env/index.ts'
import { filesystemObjects } from './filesystem.ts'
import { s3Objects } from './s3.ts'
import { type Objects } from './types.ts'

/** The settings of the object store, for readEnv in whichever process uses it. */
export const objectsEnvironment = {
  OBJECTS_DIR: string('the folder of stored audio, where no S3_ENDPOINT is given', '.veza/objects'),
  S3_ENDPOINT: optional(url('an S3-compatible store for audio, instead of a folder')),
  S3_BUCKET: string('its bucket, which must exist', 'veza'),
  S3_REGION: string('its region', 'us-east-1'),
  S3_ACCESS_KEY_ID: string('who we are there', 'veza'),
  S3_SECRET_ACCESS_KEY: optional(secret('the secret that goes with it')),
  S3_PUBLIC: flag(
    'whether clients reach the store too: segments are then fetched there, by signed URLs',
    false,
  ),
} as const

/** Their values. */
export type ObjectsSettings = EnvironmentValues<typeof objectsEnvironment>

/** S3 where an endpoint is given, otherwise a folder. @throws Error when the secret is missing */
export const openObjects = (settings: ObjectsSettings): Objects => {
  if (settings.S3_ENDPOINT === undefined) return filesystemObjects(settings.OBJECTS_DIR)
  if (settings.S3_SECRET_ACCESS_KEY === undefined)
    throw new Error('S3_ENDPOINT is given and S3_SECRET_ACCESS_KEY is not')
  return s3Objects({
    endpoint: settings.S3_ENDPOINT,
    bucket: settings.S3_BUCKET,
    region: settings.S3_REGION,
    accessKeyId: settings.S3_ACCESS_KEY_ID,
    secretAccessKey: settings.S3_SECRET_ACCESS_KEY,
    public: settings.S3_PUBLIC,
  })
}
