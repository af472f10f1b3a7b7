import { type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose'
import { type Identity } from '../tokens/index.ts'

/** Signs access tokens as auth does, for tests of what verifies them. */
export interface TokenSigner {
  readonly issuer: string
  readonly audience: string
  /** For createTokenVerifier: `{ keys: signer.keys, issuer: signer.issuer, audience: signer.audience }`. */
  readonly keys: (kid: string) => JWK | undefined
  /** What auth serves at /.well-known/jwks.json. */
  readonly jwks: { readonly keys: JWK[] }
  /** Header and claims may be changed, undefined takes one away. */
  readonly sign: (
    identity: Omit<Identity, 'scopes'> & Partial<Pick<Identity, 'scopes'>>,
    change?: { header?: Record<string, unknown>; claims?: Record<string, unknown> },
  ) => Promise<string>
}

/** A signer with a new ES256 key. */
export const createTokenSigner = async (kid = 'test-key'): Promise<TokenSigner> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
  const [issuer, audience] = ['veza', 'veza']
  return {
    issuer,
    audience,
    keys: (wanted) => (wanted === kid ? jwk : undefined),
    jwks: { keys: [jwk] },
    sign: (
      { userId, name, roles, scopes, sessionId, expiresAt, signedInAt },
      { header = {}, claims = {} } = {},
    ) =>
      new SignJWT({
        sub: userId,
        name,
        roles,
        ...(scopes && { scope: scopes.join(' ') }),
        sid: sessionId,
        iss: issuer,
        aud: audience,
        iat: Math.floor(Date.now() / 1000),
        exp: expiresAt,
        auth_time: signedInAt,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
        .sign(privateKey),
  }
}
