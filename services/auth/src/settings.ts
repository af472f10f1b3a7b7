import { type EnvironmentValues, integer, secretBytes, string, url } from '@veza/kit/env'

/** The settings of auth, for readEnv in whichever process it runs. */
export const authEnvironment = {
  AUTH_DATABASE_URL: url("auth's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  KEY_ENCRYPTION_KEY: secretBytes('the key that seals the signing keys in the database', 32),
  TOKEN_ISSUER: string('the issuer (iss) that access tokens name', 'veza'),
  PASSWORD_HASH_CONCURRENCY: integer('password hashes computed at once, 47 MiB of memory each', 2, {
    min: 1,
    max: 64,
  }),
  PASSWORD_HASH_QUEUE: integer(
    'password hashes that may wait for their turn; beyond it sign-ins get 503',
    32,
    { max: 10_000 },
  ),
} as const

/** Their values. */
export type AuthSettings = EnvironmentValues<typeof authEnvironment>
