import { EnvironmentError } from '../env/read-env.ts'
import {
  type EnvironmentValues,
  optional,
  secret,
  secretBytes,
  type Setting,
  string,
  url,
} from '../env/settings.ts'
import { type Logger } from '../log/index.ts'
import { envKeyEncryption } from './env-keys.ts'
import { type KeyEncryption } from './key-encryption.ts'
import { SealBroken } from './seal.ts'
import { vaultKeyEncryption } from './vault.ts'

const severalKeys = (one: Setting<Buffer>): Setting<Buffer[]> => ({
  ...one,
  shape: `${one.shape}, several separated by commas`,
  parse: (text) => text.split(',').map((item) => one.parse(item.trim())),
})

/** The settings of whoever seals personal data, for readEnv. */
export const keyEncryptionEnvironment = {
  KEY_ENCRYPTION_KEY: optional(
    secretBytes("the key that encrypts people's data keys, unless VAULT_ADDR names a Vault that does", 32),
  ),
  KEY_ENCRYPTION_KEY_PREVIOUS: optional(
    severalKeys(secretBytes('keys that did so before, until `npm run ops -- rewrap-keys` is done', 32)),
  ),
  VAULT_ADDR: optional(url("the Vault whose transit engine encrypts people's data keys")),
  VAULT_TOKEN: optional(secret('what Vault is shown: it may encrypt and decrypt with the one key')),
  VAULT_TRANSIT_MOUNT: string('where the transit engine is mounted', 'transit'),
  VAULT_TRANSIT_KEY: string('the name of the key in it', 'veza'),
} as const

/** Their values. */
export type KeyEncryptionSettings = EnvironmentValues<typeof keyEncryptionEnvironment>

/** Several holders of key-encryption keys: the first wraps, each unwraps its own. */
const inTurn = (holders: readonly [KeyEncryption, ...KeyEncryption[]]): KeyEncryption => ({
  current: () => holders[0].current(),
  wrap: (keys) => holders[0].wrap(keys),
  async unwrap(keys) {
    const results: (Buffer | SealBroken)[] = keys.map(() => new SealBroken('unknown-key'))
    let left = keys.map((key, index) => ({ ...key, index }))
    for (const holder of holders) {
      if (left.length === 0) break
      const opened = await holder.unwrap(left)
      left.forEach(({ index }, at) => {
        results[index] = opened[at] ?? new SealBroken('unknown-key')
      })
      left = left.filter(({ index }) => {
        const result = results[index]
        return result instanceof SealBroken && result.code === 'unknown-key'
      })
    }
    return results
  },
  check: () => holders[0].check(),
  close: () => {
    for (const holder of holders) holder.close()
  },
})

/**
 * Vault where VAULT_ADDR is set, KEY_ENCRYPTION_KEY otherwise; whatever else is given still unwraps, so that moving from
 * one to the other is a rewrapping like any other.
 *
 * @throws EnvironmentError when neither is given
 */
export const openKeyEncryption = (settings: KeyEncryptionSettings, log: Logger): KeyEncryption => {
  const given = [
    ...(settings.KEY_ENCRYPTION_KEY === undefined ? [] : [settings.KEY_ENCRYPTION_KEY]),
    ...(settings.KEY_ENCRYPTION_KEY_PREVIOUS ?? []),
  ]
  const [first, ...others] = given
  const local = first === undefined ? [] : [envKeyEncryption([first, ...others])]
  if (settings.VAULT_ADDR === undefined) {
    if (settings.KEY_ENCRYPTION_KEY !== undefined && local[0] !== undefined) return local[0]
    throw new EnvironmentError(['KEY_ENCRYPTION_KEY or VAULT_ADDR must be given: personal data is sealed'])
  }
  if (settings.VAULT_TOKEN === undefined)
    throw new EnvironmentError(['VAULT_TOKEN is missing: VAULT_ADDR names a Vault'])
  const vault = vaultKeyEncryption({
    address: settings.VAULT_ADDR,
    token: settings.VAULT_TOKEN,
    mount: settings.VAULT_TRANSIT_MOUNT,
    key: settings.VAULT_TRANSIT_KEY,
    log,
  })
  return inTurn([vault, ...local])
}
