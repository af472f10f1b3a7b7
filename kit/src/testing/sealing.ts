import { randomBytes } from 'node:crypto'
import { type EnvironmentValues } from '../env/index.ts'
import { type keyEncryptionEnvironment } from '../sealing/index.ts'

/** Settings of a key-encryption key that nobody else has. */
export const testKeyEncryption = (
  key: Buffer = randomBytes(32),
): EnvironmentValues<typeof keyEncryptionEnvironment> => ({
  KEY_ENCRYPTION_KEY: key,
  KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
  VAULT_ADDR: undefined,
  VAULT_TOKEN: undefined,
  VAULT_TRANSIT_MOUNT: 'transit',
  VAULT_TRANSIT_KEY: 'veza',
})
