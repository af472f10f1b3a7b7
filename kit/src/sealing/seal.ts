import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

/** What is sealed belongs to one place: moved to another table, row or column it does not open. */
export interface SealedPlace {
  readonly table: string
  readonly row: string
  readonly column: string
}

/**
 * Why a sealed value does not open although its key was not erased:
 * - `unknown-key`: sealed under a key that is not here, such as another database's
 * - `damaged`: cut, altered, or moved from its place
 */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'
  readonly code: 'unknown-key' | 'damaged'

  constructor(code: 'unknown-key' | 'damaged', options?: ErrorOptions) {
    super(`sealed value does not open: ${code}`, options)
    this.code = code
  }
}

const version = 1
const keyIdBytes = 16
const ivBytes = 12
const tagBytes = 16
const headerBytes = 1 + keyIdBytes + ivBytes

/** How many bytes longer a sealed value is than what is in it. */
export const sealOverheadBytes = headerBytes + tagBytes

/** The bytes that stand for a place in a tag: JSON, since that cannot be read two ways. */
export const placeBytes = (place: SealedPlace): Buffer =>
  Buffer.from(JSON.stringify([place.table, place.row, place.column]))

/**
 * AES-256-GCM. Layout: version (1 byte) | key id (16) | iv (12, random) | ciphertext | tag (16); the place is
 * authenticated with it. Random 96-bit IVs bound one key to fewer than 2^32 sealings (NIST SP 800-38D, 8.3).
 *
 * @param key 32 bytes
 * @param keyId a UUID; anybody may read it, so it must tell nothing of the key
 */
export const sealWith = (key: KeyObject, keyId: string, plain: Uint8Array, place: SealedPlace): Buffer => {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(placeBytes(place))
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  const id = Buffer.from(keyId.replaceAll('-', ''), 'hex')
  return Buffer.concat([Buffer.of(version), id, iv, ciphertext, cipher.getAuthTag()])
}

/** The id of the key that a value was sealed under. Throws SealBroken when this is no sealed value. */
export const keyIdOf = (sealed: Uint8Array): string => {
  if (sealed.length < sealOverheadBytes || sealed[0] !== version) throw new SealBroken('damaged')
  const hex = Buffer.from(sealed.subarray(1, 1 + keyIdBytes)).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Opens what sealWith made under this key for this place. Throws SealBroken. */
export const openWith = (key: KeyObject, sealed: Uint8Array, place: SealedPlace): Buffer => {
  const bytes = Buffer.from(sealed)
  if (bytes.length < sealOverheadBytes) throw new SealBroken('damaged')
  const iv = bytes.subarray(1 + keyIdBytes, headerBytes)
  const tagStart = bytes.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes })
    .setAAD(placeBytes(place))
    .setAuthTag(bytes.subarray(tagStart))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headerBytes, tagStart)), decipher.final()])
  } catch (cause) {
    throw new SealBroken('damaged', { cause })
  }
}
