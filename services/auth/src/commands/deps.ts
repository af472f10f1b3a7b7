import { type Logger } from '@veza/kit/log'
import { type Kysely } from 'kysely'
import { type SignAccessToken } from '../adapters/access-tokens.ts'
import { type AttemptLimit, type AttemptLimits } from '../adapters/attempt-limits.ts'
import { type BlindIndex } from '../adapters/blind-index.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PasswordHasher } from '../adapters/password-hasher.ts'
import { type IsGuessable } from '../adapters/password-rules.ts'
import { type PersonalData } from '../adapters/personal-data.ts'
import { type RefreshTokens } from '../adapters/refresh-tokens.ts'
import { type Streams } from '../adapters/streams.ts'

/** What the commands stand on; each picks what it uses. */
export interface AuthDeps {
  readonly db: Kysely<AuthDatabase>
  readonly streams: Streams
  readonly personal: PersonalData
  readonly index: BlindIndex
  readonly attempts: AttemptLimits
  readonly limits: {
    readonly perAccount: AttemptLimit
    readonly perAddress: AttemptLimit
    readonly mailPerAccount: AttemptLimit
  }
  readonly passwords: PasswordHasher
  readonly isGuessable: IsGuessable
  /** What a password is held against where there is none to hold it against. */
  readonly decoyHash: (emailHash: Buffer) => string | undefined
  readonly refreshTokens: RefreshTokens
  readonly sign: SignAccessToken
  /** Says that a letter is wanted, so that it is sent at once. */
  readonly mailWanted: () => void
  readonly now: () => Date
  readonly log: Logger
}

/** Who asks, as far as the request tells. */
export interface Caller {
  /** Network address; undefined where it is not known. */
  readonly address: string | undefined
  /** What the program calls itself. */
  readonly client: string | undefined
  /** W3C Trace Context of the request, and its trace id. */
  readonly traceparent: string | undefined
  readonly correlation: string | undefined
}

/** A caller with an access token. */
export interface SignedInCaller extends Caller {
  readonly userId: string
  readonly sessionId: string
}
