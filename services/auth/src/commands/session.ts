import { randomUUID } from 'node:crypto'
import { type Kysely } from 'kysely'
import { accessTokenSeconds, type SignAccessToken } from '../adapters/access-tokens.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type RefreshToken, type RefreshTokens } from '../adapters/refresh-tokens.ts'
import { insertSession } from '../adapters/session-store.ts'
import { type Account } from '../domain/account.ts'

/** What register, login and refresh answer. */
export interface SignedIn {
  readonly user: { readonly id: string; readonly email: string; readonly displayName: string }
  readonly accessToken: string
  readonly refreshToken: string
  /** Of the access token, seconds. */
  readonly expiresIn: number
}

/** Renders a session's tokens. */
export const signedIn = async (
  sign: SignAccessToken,
  account: Account,
  refreshToken: RefreshToken,
  now: Date,
): Promise<SignedIn> => ({
  user: { id: account.id, email: account.email, displayName: account.displayName },
  accessToken: await sign(account, refreshToken.sessionId, now),
  refreshToken: refreshToken.text,
  expiresIn: accessTokenSeconds,
})

const refreshTokenLifetimeMs = 30 * 24 * 3600 * 1000

/** A family lives on while it is used: each token may wait 30 days for its exchange. */
export const refreshTokenExpiry = (now: Date): Date => new Date(now.getTime() + refreshTokenLifetimeMs)

/** Starts a session: a refresh family and its first tokens. */
export const startSession = async (
  deps: { db: Kysely<AuthDatabase>; refreshTokens: RefreshTokens; sign: SignAccessToken },
  account: Account,
  now: Date,
): Promise<SignedIn> => {
  const token = deps.refreshTokens.first(randomUUID())
  await insertSession(deps.db, { accountId: account.id, token, expiresAt: refreshTokenExpiry(now) }, now)
  return signedIn(deps.sign, account, token, now)
}
