import {
  duration,
  EnvironmentError,
  type EnvironmentValues,
  integer,
  namedUrls,
  optional,
  secret,
  string,
  url,
} from '@veza/kit/env'
import { idempotencyEnvironment } from '@veza/kit/http'
import { keyEncryptionEnvironment } from '@veza/kit/sealing'
import { type OidcSettings } from './adapters/oidc-provider.ts'

/** The settings of whoever opens auth's database: the service, its worker, operators. */
export const authPartsEnvironment = {
  ...keyEncryptionEnvironment,
  AUTH_DATABASE_URL: url("auth's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
} as const

/** The settings of auth, for readEnv in whichever process it runs. */
export const authEnvironment = {
  ...authPartsEnvironment,
  SERVICE_TOKEN: secret("what Veza's own processes show each other's internal APIs"),
  AUDIT_SOURCES: namedUrls('other contexts whose events the audit tells too, and their internal APIs'),
  STATUS_PROCESSES: namedUrls('the processes of Veza that administrators see, and their internal listeners'),
  ...idempotencyEnvironment,
  TOKEN_ISSUER: string('the issuer (iss) that access tokens name', 'veza'),
  SIGNING_KEY_PERIOD: duration('how long one key signs access tokens before the next one does', '30d'),
  PASSWORD_HASH_CONCURRENCY: integer('password hashes computed at once, 47 MiB of memory each', 1, {
    min: 1,
    max: 64,
  }),
  PASSWORD_HASH_QUEUE: integer(
    'password hashes that may wait for their turn; beyond it sign-ins get 503',
    32,
    { max: 10_000 },
  ),
  TRUSTED_PROXIES: integer('proxies in front that append to X-Forwarded-For; 0: it is not believed', 0, {
    max: 10,
  }),
  ATTEMPT_WINDOW: duration('the time over which the attempts below are counted', '15m'),
  ATTEMPTS_PER_ACCOUNT: integer('failed sign-ins to one account a window; beyond it 429', 10, { min: 1 }),
  ATTEMPTS_PER_ADDRESS: integer(
    'failed attempts of all kinds from one address (IPv6: one /64) a window; beyond it 429',
    300,
    { min: 1 },
  ),
  MAILS_PER_ACCOUNT: integer('letters that can be asked for to one address a window; beyond it 429', 3, {
    min: 1,
  }),
  APP_URL: url('the web client that letters link to', 'http://127.0.0.1:8080'),
  MAIL_FROM: string('who letters are from', 'Veza <no-reply@localhost>'),
  SMTP_URL: optional(
    url('the mail server: smtp://user:password@host:587', undefined, { schemes: ['smtp', 'smtps'] }),
  ),
  MAIL_FOLDER: string('the folder that letters are written to as files, without SMTP_URL', '.veza/mail'),
  OIDC_ISSUER: optional(url('an outside OpenID Connect provider that people may sign in with')),
  OIDC_CLIENT_ID: optional(string('what that provider calls us')),
  OIDC_CLIENT_SECRET: optional(secret('what we prove it with')),
  OIDC_REDIRECT_URL: optional(url('the page of the web client that the provider sends people back to')),
  OIDC_TIMEOUT: duration(
    'how long one request to that provider may take, until its answer is read; beyond it the sign-in gets 503',
    '5s',
  ),
} as const

/** Their values. */
export type AuthSettings = EnvironmentValues<typeof authEnvironment>

/** The outside provider; undefined: there is none. Throws EnvironmentError when only part of it is given. */
export const oidcSettings = (settings: AuthSettings): OidcSettings | undefined => {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId } = settings
  const { OIDC_CLIENT_SECRET: clientSecret, OIDC_REDIRECT_URL: redirectUrl } = settings
  if (issuer === undefined) return undefined
  if (clientId === undefined || clientSecret === undefined || redirectUrl === undefined)
    throw new EnvironmentError([
      'OIDC_ISSUER needs OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_REDIRECT_URL beside it',
    ])
  return { issuer, clientId, clientSecret, redirectUrl, timeoutMs: settings.OIDC_TIMEOUT }
}
