import * as client from 'openid-client'
import { Rejection } from '../domain/rejection.ts'

/** What a sign-in at the provider that is under way must be finished with. */
export interface OidcFlow {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** Whom the provider says that it is. */
export interface OutsideIdentity {
  readonly issuer: string
  readonly subject: string
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly name: string | undefined
}

export interface OidcProvider {
  /** Where the person is to be sent, and what to finish with. Rejects ProviderUnavailable. */
  begin(): Promise<{ readonly url: string; readonly flow: OidcFlow }>
  /**
   * Exchanges what the provider sent back (the query of the redirect). Rejects Rejection `oidc-refused`,
   * ProviderUnavailable.
   */
  finish(query: string, flow: OidcFlow): Promise<OutsideIdentity>
}

/** The provider can't be reached or does not answer as one: not the person's fault (503). */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable'
}

export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUrl: string
}

const timeoutSeconds = 5
const scope = 'openid email profile'

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** What the provider, or whoever sent the query, has wrong; anything else is that it can't be asked. */
const isRefusal = (error: unknown): boolean =>
  error instanceof client.AuthorizationResponseError ||
  (error instanceof client.ResponseBodyError && error.status < 500) ||
  (error instanceof client.ClientError &&
    !['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM'].includes(error.code ?? ''))

/**
 * An OpenID Connect provider by discovery: authorization code with PKCE (S256), state and nonce; the ID token's
 * signature, issuer, audience and age are checked by openid-client, which is certified. What discovery told is kept.
 */
export const openOidcProvider = (settings: OidcSettings): OidcProvider => {
  const issuer = new URL(settings.issuer)
  let discovered: Promise<client.Configuration> | undefined

  const configuration = (): Promise<client.Configuration> => {
    discovered ??= client
      .discovery(issuer, settings.clientId, settings.clientSecret, undefined, {
        timeout: timeoutSeconds,
        // A provider beside us, such as a test's, may do without TLS. Deprecated only so that it stands out.
        // eslint-disable-next-line @typescript-eslint/no-deprecated
        ...(issuer.protocol === 'http:' && isLoopback(issuer) && { execute: [client.allowInsecureRequests] }),
      })
      .catch((error: unknown) => {
        discovered = undefined
        throw new ProviderUnavailable('the OpenID Connect provider does not answer', { cause: error })
      })
    return discovered
  }

  return {
    async begin() {
      const config = await configuration()
      const codeVerifier = client.randomPKCECodeVerifier()
      const flow = { state: client.randomState(), nonce: client.randomNonce(), codeVerifier }
      const url = client.buildAuthorizationUrl(config, {
        ...{ redirect_uri: settings.redirectUrl, scope, state: flow.state, nonce: flow.nonce },
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, flow }
    },

    async finish(query, flow) {
      const config = await configuration()
      const redirected = new URL(settings.redirectUrl)
      redirected.search = query
      try {
        const tokens = await client.authorizationCodeGrant(config, redirected, {
          ...{ pkceCodeVerifier: flow.codeVerifier, expectedState: flow.state, expectedNonce: flow.nonce },
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims) throw new Rejection('oidc-refused')
        // Many providers tell the address here and not in the ID token.
        const more =
          claims['email'] === undefined && config.serverMetadata().userinfo_endpoint !== undefined
            ? await client.fetchUserInfo(config, tokens.access_token, claims.sub)
            : {}
        const told: Record<string, unknown> = { ...more, ...claims }
        return {
          issuer: claims.iss,
          subject: claims.sub,
          email: optionalText(told['email']),
          emailVerified: told['email_verified'] === true,
          name: optionalText(told['name']) ?? optionalText(told['preferred_username']),
        }
      } catch (error) {
        if (error instanceof Rejection) throw error
        if (isRefusal(error)) throw new Rejection('oidc-refused', { cause: error })
        throw new ProviderUnavailable('the OpenID Connect provider does not answer', { cause: error })
      }
    },
  }
}
