import { createSecretKey, hkdfSync } from 'node:crypto'
import { type KeyEncryption } from './key-encryption.ts'
import { openWith, SealBroken, sealWith } from './seal.ts'

/** A version-8 UUID (RFC 9562) that names a key without telling anything of it. */
const idOf = (key: Uint8Array): string => {
  const bytes = Buffer.from(hkdfSync('sha256', key, '', 'veza key-encryption key id', 16))
  bytes.writeUInt8(0x80 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Key-encryption keys that the process was given, 32 bytes each: the first wraps, all of them unwrap. One that is left
 * out after its data keys were wrapped anew is never needed again.
 */
export const envKeyEncryption = (keys: readonly [Uint8Array, ...Uint8Array[]]): KeyEncryption => {
  const entries = keys.map((bytes) => {
    const id = idOf(bytes)
    return { id, kek: `env:${id}`, key: createSecretKey(bytes) }
  })
  const byName = new Map(entries.map((entry) => [entry.kek, entry]))
  // The tuple has a first element, which map does not tell.
  const current = entries[0] as (typeof entries)[number]
  return {
    current: () => Promise.resolve(current.kek),
    wrap: (plain) =>
      Promise.resolve(
        plain.map(({ key, place }) => ({
          wrapped: sealWith(current.key, current.id, key, place),
          kek: current.kek,
        })),
      ),
    unwrap: (wrapped) =>
      Promise.resolve(
        wrapped.map(({ wrapped: bytes, kek, place }) => {
          const entry = byName.get(kek)
          if (entry === undefined) return new SealBroken('unknown-key')
          try {
            return openWith(entry.key, bytes, place)
          } catch (error) {
            if (error instanceof SealBroken) return error
            throw error
          }
        }),
      ),
    check: () => Promise.resolve(undefined),
    close: () => undefined,
  }
}
