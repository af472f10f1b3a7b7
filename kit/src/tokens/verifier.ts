import {
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  createRemoteJWKSet,
  errors,
  importJWK,
  jwtVerify,
} from 'jose'
import { hash } from 'node:crypto'
import { createLru } from './lru.ts'

/** Whom an access token speaks for. */
export interface Identity {
  readonly userId: string
  /** Display name. */
  readonly name: string
  readonly roles: readonly string[]
  /** What the token may be used for (RFC 9068's `scope`). */
  readonly scopes: readonly string[]
  readonly sessionId: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** When the person signed in (auth_time), which refreshing does not change; seconds since the epoch. */
  readonly signedInAt?: number | undefined
}

/** The token is not to be trusted; `expired` says that it once was. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken'
  readonly code: 'expired' | 'invalid'

  constructor(code: 'expired' | 'invalid', options?: ErrorOptions) {
    super(code === 'expired' ? 'The access token has expired' : 'The access token is not valid', options)
    this.code = code
  }
}

/** The keys could not be read, so nothing can be said of the token: not the client's fault (503). */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** Verifies access tokens. */
export interface TokenVerifier {
  /** @throws InvalidToken | KeysUnavailable */
  readonly verify: (token: string) => Promise<Identity>
}

/** Where the public keys come from, and whose tokens are accepted. */
export type TokenVerifierOptions = {
  /** The `iss` that a token must have. */
  readonly issuer: string
  /** The `aud` that it must name. */
  readonly audience: string
  /** How many verified tokens are remembered. 20,000 unless given. */
  readonly cacheSize?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
} & (
  | {
      /** A JWKS; it is kept for 10 min and asked for an unknown `kid` at most every 30 s. */ readonly jwksUrl: string
    }
  | {
      /** The public key of a `kid`, for the process that owns them. */ readonly keys: (
        kid: string,
      ) => JWK | undefined | Promise<JWK | undefined>
    }
)

const localKeys = (key: (kid: string) => JWK | undefined | Promise<JWK | undefined>): JWTVerifyGetKey => {
  // Importing a key costs as much as verifying with it.
  const imported = new WeakMap<JWK, ReturnType<typeof importJWK>>()
  return async ({ kid = '' }) => {
    const found = await key(kid)
    if (found === undefined) throw new errors.JWKSNoMatchingKey()
    const known = imported.get(found) ?? importJWK(found, 'ES256')
    imported.set(found, known)
    return known
  }
}

const remoteKeys = (jwksUrl: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(jwksUrl), {
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    timeoutDuration: 3_000,
  })

/** Tells "no such key" (the token's fault) from "no keys at all" (ours). */
const guarded =
  (getKey: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    if (header.kid === undefined) throw new errors.JWTInvalid('kid is missing')
    try {
      return await getKey(header, token)
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys)
        throw cause
      throw new KeysUnavailable('The keys of access tokens cannot be read', { cause })
    }
  }

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const identityOf = ({ sub, exp, name, roles, scope = '', sid, auth_time }: JWTPayload): Identity => {
  if (
    sub === undefined ||
    sub === '' ||
    exp === undefined ||
    typeof name !== 'string' ||
    typeof sid !== 'string' ||
    typeof scope !== 'string' ||
    !isStrings(roles) ||
    (auth_time !== undefined && typeof auth_time !== 'number')
  ) {
    throw new InvalidToken('invalid')
  }
  const scopes = scope.split(' ').filter((item) => item !== '')
  const signedIn = auth_time === undefined ? {} : { signedInAt: auth_time }
  return { userId: sub, name, roles, scopes, sessionId: sid, expiresAt: exp, ...signedIn }
}

const longestToken = 4096

/**
 * Verifies access tokens: ES256 only, typ `at+jwt`, a `kid`, pinned issuer and audience, and the claims sub, name,
 * roles, sid, iat, exp, and scope where there is one. What was verified is remembered until it expires, since signature checks are dear.
 */
export const createTokenVerifier = (options: TokenVerifierOptions): TokenVerifier => {
  const { issuer, audience, cacheSize = 20_000, now = Date.now } = options
  const getKey = guarded('jwksUrl' in options ? remoteKeys(options.jwksUrl) : localKeys(options.keys))
  const verified = createLru<string, Identity>(cacheSize)

  const check = async (token: string): Promise<Identity> => {
    try {
      const { payload } = await jwtVerify(token, getKey, {
        issuer,
        audience,
        algorithms: ['ES256'],
        typ: 'at+jwt',
        requiredClaims: ['sub', 'iat', 'exp'],
        currentDate: new Date(now()),
      })
      return identityOf(payload)
    } catch (error) {
      if (error instanceof InvalidToken || error instanceof KeysUnavailable) throw error
      throw new InvalidToken(error instanceof errors.JWTExpired ? 'expired' : 'invalid', { cause: error })
    }
  }

  return {
    async verify(token) {
      if (token.length > longestToken) throw new InvalidToken('invalid')
      // A tenth of the token's size, and nothing that a dump of the memory would give away.
      const digest = hash('sha256', token, 'base64url')
      const known = verified.get(digest)
      if (known !== undefined) {
        if (known.expiresAt * 1000 > now()) return known
        verified.delete(digest)
        throw new InvalidToken('expired')
      }
      const identity = await check(token)
      verified.set(digest, identity)
      return identity
    },
  }
}
