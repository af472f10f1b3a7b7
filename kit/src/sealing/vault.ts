import { z } from 'zod'
import { messageOf } from '../log/index.ts'
import { type KeyEncryption, KeyEncryptionUnavailable } from './key-encryption.ts'
import { placeBytes, SealBroken } from './seal.ts'
import { askVault, refusal, type VaultOptions } from './vault-api.ts'
import { keepTokenAlive } from './vault-token.ts'

/** Data keys of one request: OpenBao takes 1,000 strings of JSON in a body, names and values, and a key is four. */
const batchSize = 200

const encrypted = z.object({
  data: z.object({ batch_results: z.array(z.object({ ciphertext: z.string() })) }),
})
const decrypted = z.object({
  data: z.object({
    batch_results: z.array(z.object({ plaintext: z.string(), error: z.string().optional() })),
  }),
})

const inBatches = async <T, R>(items: readonly T[], work: (batch: T[]) => Promise<R[]>): Promise<R[]> => {
  const results: R[] = []
  for (let at = 0; at < items.length; at += batchSize)
    results.push(...(await work(items.slice(at, at + batchSize))))
  return results
}

/**
 * The key-encryption key in Vault's transit engine, which it never leaves. Works with HashiCorp Vault (1.12 or newer,
 * for associated data in batches) and OpenBao. A token with a time to live is renewed at half of it.
 */
export const vaultKeyEncryption = (options: VaultOptions): KeyEncryption => {
  const { mount, key: name, log } = options
  const ask = askVault(options)
  const stopRenewing = keepTokenAlive(ask, log)
  const family = `vault:${mount}/${name}:`

  const encrypt = (plain: readonly { key: Uint8Array; aad: Buffer }[]) =>
    inBatches(plain, async (batch) => {
      const { status, body } = await ask(`${mount}/encrypt/${name}`, {
        batch_input: batch.map(({ key, aad }) => ({
          plaintext: Buffer.from(key).toString('base64'),
          associated_data: aad.toString('base64'),
        })),
      })
      const answer = encrypted.safeParse(body)
      if (status !== 200 || !answer.success || answer.data.data.batch_results.length !== batch.length)
        throw refusal(status, body)
      return answer.data.data.batch_results.map(({ ciphertext }) => {
        // vault:v3:…: the version says which of the transit key's versions it is.
        const [, version] = /^vault:v(\d+):/.exec(ciphertext) ?? []
        if (version === undefined) throw refusal(status, body)
        return { wrapped: Buffer.from(ciphertext), kek: family + version }
      })
    })

  const current = async () => {
    // Asked of an encryption, so that no more rights are needed than a process has anyway.
    const [probe] = await encrypt([{ key: Buffer.alloc(32), aad: Buffer.from('probe') }])
    if (probe === undefined) throw new KeyEncryptionUnavailable('Vault gave no answer')
    return probe.kek
  }

  return {
    current,
    wrap: (keys) => encrypt(keys.map(({ key, place }) => ({ key, aad: placeBytes(place) }))),
    unwrap: (keys) =>
      inBatches(keys, async (batch) => {
        // Those of other key-encryption keys would fail there for a reason that says nothing.
        const ours = batch.filter(({ kek }) => kek.startsWith(family))
        if (ours.length === 0) return batch.map(() => new SealBroken('unknown-key'))
        const { status, body } = await ask(`${mount}/decrypt/${name}`, {
          batch_input: ours.map(({ wrapped, place }) => ({
            ciphertext: wrapped.toString('latin1'),
            associated_data: placeBytes(place).toString('base64'),
          })),
        })
        // 400 too: when items of the batch failed, the others have their results beside them.
        const answer = decrypted.safeParse(body)
        if (!answer.success || answer.data.data.batch_results.length !== ours.length)
          throw refusal(status, body)
        const results = answer.data.data.batch_results.map(({ plaintext, error }) =>
          error === undefined || error === ''
            ? Buffer.from(plaintext, 'base64')
            : new SealBroken('damaged', { cause: new Error(error) }),
        )
        return batch.map(({ kek }) =>
          kek.startsWith(family)
            ? (results.shift() ?? new SealBroken('damaged'))
            : new SealBroken('unknown-key'),
        )
      }),
    async check() {
      try {
        await current()
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    },
    close: stopRenewing,
  }
}
