import { SignJWT } from 'jose'
import { type Role } from '../domain/account.ts'
import { scopesOf } from '../domain/scopes.ts'
import { signatureAlgorithm, type SigningKeys } from './signing-keys.ts'

/** Lifetime of an access token, seconds. It is also how long one outlives its session: verifiers ask nobody. */
export const accessTokenSeconds = 600

/** Whom a token speaks for. */
interface TokenHolder {
  readonly id: string
  readonly displayName: string
  readonly roles: readonly Role[]
}

/** Signs an access token (JWT, RFC 9068's typ `at+jwt`) for one session of an account. */
export type SignAccessToken = (
  account: TokenHolder,
  session: { readonly id: string; readonly startedAt: Date },
  now: Date,
) => Promise<string>

/** Access tokens: sub, name, roles, scope, sid, auth_time (of the sign-in), iss, aud `veza`, iat, exp. */
export const createAccessTokens =
  (keys: SigningKeys, issuer: string): SignAccessToken =>
  (account, session, now) => {
    const issuedAt = Math.floor(now.getTime() / 1000)
    const signedInAt = Math.floor(session.startedAt.getTime() / 1000)
    const { kid, privateKey } = keys.signing(now)
    const { displayName: name, roles } = account
    return new SignJWT({
      ...{ name, roles: [...roles], scope: scopesOf(roles).join(' ') },
      ...{ sid: session.id, auth_time: signedInAt },
    })
      .setProtectedHeader({ alg: signatureAlgorithm, kid, typ: 'at+jwt' })
      .setSubject(account.id)
      .setIssuer(issuer)
      .setAudience('veza')
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenSeconds)
      .sign(privateKey)
  }
