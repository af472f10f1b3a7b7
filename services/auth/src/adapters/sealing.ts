import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** What is sealed belongs to one place: moved to another row or column it does not open. */
export interface SealedPlace {
  readonly table: string
  readonly row: string
  readonly column: string
}

export interface Sealing {
  seal(plain: Uint8Array, place: SealedPlace): Buffer
  /** Throws SealBroken. */
  open(sealed: Uint8Array, place: SealedPlace): Buffer
}

/**
 * - `other-key`: sealed under another key-encryption key
 * - `damaged`: cut, altered, or moved from its place
 */
export class SealBroken extends Error {
  readonly code: 'other-key' | 'damaged'

  constructor(code: 'other-key' | 'damaged', options?: ErrorOptions) {
    super(`sealed value does not open: ${code}`, options)
    this.name = 'SealBroken'
    this.code = code
  }
}

const version = 1
const ivBytes = 12
const tagBytes = 16
const keyIdBytes = 8
const headerBytes = 1 + keyIdBytes + ivBytes

const aad = (place: SealedPlace) => Buffer.from(JSON.stringify([place.table, place.row, place.column]))

/**
 * AES-256-GCM under `key` (32 bytes). Layout: version (1 byte) | key id (8) | iv (12, random) | ciphertext | tag (16);
 * table, row and column are authenticated with it. The key id is derived from the key, so a value says which key it
 * needs without telling anything of it. Random 96-bit IVs bound one key to fewer than 2^32 sealings (NIST SP 800-38D).
 */
export const createSealing = (key: Uint8Array): Sealing => {
  const keyId = Buffer.from(hkdfSync('sha256', key, '', 'veza sealing key id', keyIdBytes))
  return {
    seal(plain, place) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(aad(place))
      const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([Buffer.of(version), keyId, iv, ciphertext, cipher.getAuthTag()])
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed)
      if (bytes.length < headerBytes + tagBytes || bytes[0] !== version) throw new SealBroken('damaged')
      if (!bytes.subarray(1, 1 + keyIdBytes).equals(keyId)) throw new SealBroken('other-key')
      const iv = bytes.subarray(1 + keyIdBytes, headerBytes)
      const tagStart = bytes.length - tagBytes
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes })
        .setAAD(aad(place))
        .setAuthTag(bytes.subarray(tagStart))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(headerBytes, tagStart)), decipher.final()])
      } catch (error) {
        throw new SealBroken('damaged', { cause: error })
      }
    },
  }
}
