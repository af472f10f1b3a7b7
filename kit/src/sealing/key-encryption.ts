import { type SealBroken, type SealedPlace } from './seal.ts'

/** A data key in the clear: 32 bytes, and where its wrapped form is kept. */
export interface PlainKey {
  readonly key: Buffer
  readonly place: SealedPlace
}

/** A data key as it is stored. */
export interface WrappedKey {
  readonly wrapped: Buffer
  /** Which key-encryption key wrapped it, its version included: `env:3f0c…`, `vault:transit/veza:3`. */
  readonly kek: string
}

/** The keys that encrypt data keys, and nothing else. They live outside the database. */
export interface KeyEncryption {
  /** The key-encryption key that wraps now. Rejects KeyEncryptionUnavailable. */
  current(): Promise<string>
  /** Wraps under the current one, all in one go. Rejects KeyEncryptionUnavailable. */
  wrap(keys: readonly PlainKey[]): Promise<WrappedKey[]>
  /**
   * In the order of the keys, all in one go: each key, or why that one does not open (`unknown-key`: its key-encryption
   * key is not configured any more). Rejects KeyEncryptionUnavailable.
   */
  unwrap(keys: readonly (WrappedKey & { readonly place: SealedPlace })[]): Promise<(Buffer | SealBroken)[]>
  /** For readiness: undefined when well. */
  check(): Promise<string | undefined>
  close(): void
}

/** Whoever holds the key-encryption key cannot be reached, is sealed, or refuses us. Trying again may help. */
export class KeyEncryptionUnavailable extends Error {
  override readonly name = 'KeyEncryptionUnavailable'
}
