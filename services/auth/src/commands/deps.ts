import { type Logger } from '@veza/kit/log'
import { type Kysely } from 'kysely'
import { type SignAccessToken } from '../adapters/access-tokens.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PasswordHasher } from '../adapters/password-hasher.ts'
import { type RefreshTokens } from '../adapters/refresh-tokens.ts'

/** What the commands stand on; each picks what it uses. */
export interface AuthDeps {
  readonly db: Kysely<AuthDatabase>
  readonly passwords: PasswordHasher
  readonly refreshTokens: RefreshTokens
  readonly sign: SignAccessToken
  readonly now: () => Date
  readonly log: Logger
}
