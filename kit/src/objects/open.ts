import {
  EnvironmentError,
  type EnvironmentValues,
  flag,
  optional,
  secret,
  string,
  url,
} from '../env/index.ts'
import { filesystemObjects } from './filesystem.ts'
import { s3Objects } from './s3.ts'
import { type Objects } from './types.ts'

/** The settings of the object store, for readEnv in whichever process uses it. */
export const objectsEnvironment = {
  OBJECTS_DIR: string('the folder of stored audio, where no S3_ENDPOINT is given', '.veza/objects'),
  S3_ENDPOINT: optional(url('an S3-compatible store for audio, instead of a folder')),
  S3_BUCKET: string('its bucket, which must exist', 'veza'),
  S3_REGION: string('its region', 'us-east-1'),
  S3_ACCESS_KEY_ID: optional(string('who we are there; needed with S3_ENDPOINT')),
  S3_SECRET_ACCESS_KEY: optional(secret('the secret that goes with it; needed with S3_ENDPOINT')),
  S3_PUBLIC: flag(
    'whether clients reach the store too: segments are then fetched there, by signed URLs',
    false,
  ),
} as const

/** Their values. */
export type ObjectsSettings = EnvironmentValues<typeof objectsEnvironment>

/** S3 where an endpoint is given, otherwise a folder. @throws EnvironmentError when what it needs is missing */
export const openObjects = (settings: ObjectsSettings): Objects => {
  if (settings.S3_ENDPOINT === undefined) return filesystemObjects(settings.OBJECTS_DIR)
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = settings
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new EnvironmentError(
      (['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const)
        .filter((name) => settings[name] === undefined)
        .map((name) => `${name} is missing: the store at S3_ENDPOINT asks for it`),
    )
  return s3Objects({
    endpoint: settings.S3_ENDPOINT,
    bucket: settings.S3_BUCKET,
    region: settings.S3_REGION,
    accessKeyId,
    secretAccessKey,
    public: settings.S3_PUBLIC,
  })
}
