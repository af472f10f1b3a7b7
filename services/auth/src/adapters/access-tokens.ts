import { SignJWT } from 'jose'
import { type Account } from '../domain/account.ts'
import { signatureAlgorithm, type SigningKeys } from './signing-keys.ts'

/** Lifetime of an access token, seconds. It is also how long one outlives its session: verifiers ask nobody. */
export const accessTokenSeconds = 600

/** Signs an access token (JWT, RFC 9068's typ `at+jwt`) for one session of an account. */
export type SignAccessToken = (account: Account, sessionId: string, now: Date) => Promise<string>

/** Access tokens: sub, name, roles, sid, iss, aud `veza`, iat, exp. */
export const createAccessTokens =
  (keys: SigningKeys, issuer: string): SignAccessToken =>
  (account, sessionId, now) => {
    const issuedAt = Math.floor(now.getTime() / 1000)
    return new SignJWT({ name: account.displayName, roles: [...account.roles], sid: sessionId })
      .setProtectedHeader({ alg: signatureAlgorithm, kid: keys.kid, typ: 'at+jwt' })
      .setSubject(account.id)
      .setIssuer(issuer)
      .setAudience('veza')
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenSeconds)
      .sign(keys.privateKey)
  }
