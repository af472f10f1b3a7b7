import { type KeyObject } from 'node:crypto'
import { type Codec } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { openSigningKeys, type SigningKeys } from '../adapters/signing-keys.ts'
import { type KeySchedule } from '../domain/key-schedule.ts'
import { openParts, type PartsSettings } from '../open-parts.ts'

/** The signing keys of a database, and the one that signs now. */
export interface TestKeys extends SigningKeys {
  readonly kid: string
  readonly privateKey: KeyObject
  close(): Promise<void>
}

const minute = 60_000

/** A schedule that a test can count with: a key an hour, public 20 minutes before, kept 15 minutes after. */
export const testSchedule: KeySchedule = {
  periodMs: 60 * minute,
  publishedBeforeMs: 20 * minute,
  keptAfterMs: 15 * minute,
}

/** Reads the keys as a process of auth does. */
export const signingKeysOf = async (
  settings: PartsSettings,
  codec: Codec,
  now: Date,
  schedule = testSchedule,
): Promise<TestKeys> => {
  const log = createLog('auth', 'silent')
  const parts = await openParts(settings, { log, codec, applicationName: 'test', poolSize: 2 })
  const keys = await openSigningKeys(parts.database.db, { sealing: parts.sealing, schedule, now })
  return { ...keys, ...keys.signing(now), close: () => parts.close() }
}
