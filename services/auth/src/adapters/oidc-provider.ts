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
  /** Where the person is to be sent, and what to finish with. Rejects ProviderFailure. */
  begin(): Promise<{ readonly url: string; readonly flow: OidcFlow }>
  /** Exchanges what the provider sent back (the query of the redirect). Rejects Rejection `oidc-refused`, ProviderFailure. */
  finish(query: string, flow: OidcFlow): Promise<OutsideIdentity>
}

/**
 * It is the provider's fault, not the person's:
 * - `unavailable`: it can't be reached, does not answer in time, or says that it can't at the moment
 * - `invalid`: it answers, but not as OpenID Connect has it, or does not take us for who we are
 */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure'
  readonly code: 'unavailable' | 'invalid'

  constructor(code: ProviderFailure['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUrl: string
  /** Of each request, until its answer is read. */
  readonly timeoutMs: number
}

const mostBytes = 1024 ** 2
const scope = 'openid email profile'

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const readBody = async ({ body }: Response): Promise<Uint8Array<ArrayBuffer> | null> => {
  const read: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = body ?? []
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of read) {
    bytes += chunk.byteLength
    if (bytes > mostBytes) throw new ProviderFailure('invalid', `it answers more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return bytes === 0 ? null : Buffer.concat(chunks)
}

/** Fetches an answer as a whole, in bounded time and memory. Rejects ProviderFailure. */
const fetchWithin =
  (timeoutMs: number): client.CustomFetch =>
  async (url, { method, headers, body, redirect }) => {
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(url, { method, headers, body: body ?? null, redirect, signal })
      if (response.status >= 500 || response.status === 429) {
        await response.body?.cancel()
        throw new ProviderFailure('unavailable', `it answers ${response.status}`)
      }
      return new Response(await readBody(response), response)
    } catch (error) {
      if (error instanceof ProviderFailure) throw error
      throw new ProviderFailure('unavailable', 'it does not answer', { cause: error })
    }
  }

const invalidCodes: readonly (string | undefined)[] = [
  ...['OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_RESPONSE_IS_NOT_CONFORM'],
  'OAUTH_UNSUPPORTED_OPERATION',
]

/** Of what openid-client says of an answer, JSON that lacks what it must have. */
const isBodyInvalid = ({ cause }: client.ClientError): boolean => {
  const of = cause instanceof Error ? cause.cause : undefined
  return typeof of === 'object' && of !== null && 'body' in of
}

/** Who has it wrong: whoever sent the query, and the code in it, or the provider? */
const isRefusal = (error: unknown): boolean =>
  error instanceof client.AuthorizationResponseError ||
  (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') ||
  (error instanceof client.ClientError &&
    error.code !== undefined &&
    !invalidCodes.includes(error.code) &&
    !isBodyInvalid(error))

/** What fetchWithin threw comes wrapped. */
const failureOf = (error: unknown): ProviderFailure =>
  error instanceof client.ClientError && error.cause instanceof ProviderFailure
    ? error.cause
    : new ProviderFailure('invalid', 'it does not answer as OpenID Connect has it', { cause: error })

/**
 * An OpenID Connect provider by discovery: authorization code with PKCE (S256), state and nonce; the ID token's
 * signature, issuer, audience and age are checked by openid-client, which is certified. What discovery told is kept.
 */
export const openOidcProvider = (settings: OidcSettings): OidcProvider => {
  const issuer = new URL(settings.issuer)
  // A provider beside us, such as a test's, may do without TLS. Deprecated only so that it stands out.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const insecure = issuer.protocol === 'http:' && isLoopback(issuer) ? [client.allowInsecureRequests] : []
  let discovered: Promise<client.Configuration> | undefined

  const configuration = (): Promise<client.Configuration> => {
    discovered ??= client
      .discovery(issuer, settings.clientId, settings.clientSecret, undefined, {
        [client.customFetch]: fetchWithin(settings.timeoutMs),
        // Without these checks the signature of an ID token that came by TLS is taken for granted.
        execute: [client.enableNonRepudiationChecks, ...insecure],
      })
      .catch((error: unknown) => {
        discovered = undefined
        throw failureOf(error)
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
        throw failureOf(error)
      }
    },
  }
}
