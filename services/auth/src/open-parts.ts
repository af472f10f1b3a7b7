import { type Codec } from '@veza/contracts'
import { EnvironmentError, type EnvironmentValues } from '@veza/kit/env'
import { eventStore } from '@veza/kit/events'
import { type Logger } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import {
  createSealing,
  openKeyEncryption,
  type KeyEncryption,
  type Sealing,
  SealBroken,
} from '@veza/kit/sealing'
import { type BlindIndex, createBlindIndex } from './adapters/blind-index.ts'
import { type AuthDatabase } from './adapters/database.ts'
import { createPersonalData, type PersonalData } from './adapters/personal-data.ts'
import { authTopic } from './adapters/publish.ts'
import { type Streams, openStreams } from './adapters/streams.ts'
import { openSystemSecrets, type SystemSecrets } from './adapters/system-secrets.ts'
import { type authPartsEnvironment } from './settings.ts'

/** What auth's service, its worker and its commands for operators stand on alike. */
export interface AuthParts {
  readonly database: Database<AuthDatabase>
  readonly keyEncryption: KeyEncryption
  readonly sealing: Sealing
  readonly secrets: SystemSecrets
  readonly personal: PersonalData
  readonly index: BlindIndex
  readonly streams: Streams
  close(): Promise<void>
}

/** The settings of these parts alone. */
export type PartsSettings = EnvironmentValues<typeof authPartsEnvironment>

const sealingProblem = {
  'unknown-key':
    'KEY_ENCRYPTION_KEY is not the key that the signing keys in the database were sealed with, nor is any other that is given',
  damaged: 'KEY_ENCRYPTION_KEY does not open the signing keys in the database: they were altered there',
}

/** What a failure of the start tells an operator. */
export const startFailure = (error: unknown): unknown =>
  error instanceof SealBroken ? new EnvironmentError([sealingProblem[error.code]]) : error

/**
 * Opens the parts on auth's migrated database ('@veza/auth/migrate'). Rejects EnvironmentError when no key that is given
 * opens what is sealed there.
 */
export const openParts = async (
  settings: PartsSettings,
  {
    log,
    codec,
    applicationName,
    poolSize,
  }: {
    log: Logger
    codec: Codec
    applicationName: string
    poolSize: number
  },
): Promise<AuthParts> => {
  const keyEncryption = openKeyEncryption(settings, log)
  const database = openDatabase<AuthDatabase>(settings.AUTH_DATABASE_URL, { applicationName, poolSize, log })
  const close = async (): Promise<void> => {
    keyEncryption.close()
    await database.close()
  }
  try {
    const { db } = database
    const sealing = createSealing({ db, keyEncryption })
    const secrets = await openSystemSecrets(db, sealing)
    return {
      ...{ database, keyEncryption, sealing, secrets, close },
      personal: createPersonalData(sealing),
      index: createBlindIndex(secrets['blind-index']),
      streams: openStreams(eventStore({ topic: authTopic, codec })),
    }
  } catch (error) {
    await close()
    throw startFailure(error)
  }
}
