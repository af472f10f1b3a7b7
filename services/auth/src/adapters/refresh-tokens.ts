import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** A refresh token, parsed. Only `hash` is ever stored. */
export interface RefreshToken {
  /** What the client holds. */
  readonly text: string
  readonly sessionId: string
  readonly generation: number
  /** SHA-256: the token holds 256 random bits, so nothing slower is called for. */
  readonly hash: Buffer
  /** Its tag is ours. Tokens of a former key-encryption key have lost theirs, but still match by their hash. */
  readonly isGenuine: boolean
}

export interface RefreshTokens {
  /** A family's first token. */
  first(sessionId: string): RefreshToken
  /**
   * The one token that follows this one: the same whoever asks and however often, so that two concurrent refreshes
   * continue one line, and no successor needs to be stored in the clear to be given again.
   */
  successor(token: RefreshToken): RefreshToken
  /** undefined: not of a token's form. */
  parse(text: string): RefreshToken | undefined
}

const idBytes = 16
const secretAt = idBytes + 4
const tagAt = secretAt + 32
const tokenBytes = tagAt + 16

const uuidOf = (bytes: Buffer) =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/**
 * Refresh tokens: base64url of session id (16 bytes) | generation (uint32) | secret (32) | tag (16). `rootKey` (32
 * bytes) makes successors and tags; a copy of the database without it continues no family.
 */
export const createRefreshTokens = (rootKey: Uint8Array): RefreshTokens => {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', rootKey, '', purpose, 32))
  const successorKey = derive('veza refresh token successor')
  const tagKey = derive('veza refresh token tag')
  const tagOf = (body: Buffer) =>
    createHmac('sha256', tagKey)
      .update(body)
      .digest()
      .subarray(0, tokenBytes - tagAt)

  const read = (bytes: Buffer, text: string): RefreshToken => ({
    text,
    sessionId: uuidOf(bytes.subarray(0, idBytes)),
    generation: bytes.readUInt32BE(idBytes),
    hash: createHash('sha256').update(bytes).digest(),
    isGenuine: timingSafeEqual(tagOf(bytes.subarray(0, tagAt)), bytes.subarray(tagAt)),
  })

  const make = (sessionId: string, generation: number, secret: Buffer): RefreshToken => {
    const body = Buffer.alloc(tagAt)
    body.write(sessionId.replaceAll('-', ''), 0, 'hex')
    body.writeUInt32BE(generation, idBytes)
    secret.copy(body, secretAt)
    const bytes = Buffer.concat([body, tagOf(body)])
    return read(bytes, bytes.toString('base64url'))
  }

  return {
    first: (sessionId) => make(sessionId, 0, randomBytes(32)),
    successor(token) {
      const secret = createHmac('sha256', successorKey).update(Buffer.from(token.text, 'base64url')).digest()
      return make(token.sessionId, token.generation + 1, secret)
    },
    parse(text) {
      const bytes = Buffer.from(text, 'base64url')
      // Buffer skips what is not base64url: only the canonical spelling is a token.
      return bytes.length === tokenBytes && bytes.toString('base64url') === text
        ? read(bytes, text)
        : undefined
    },
  }
}
