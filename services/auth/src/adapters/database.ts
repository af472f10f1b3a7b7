import { type Generated } from 'kysely'

/** Tables of the database veza_auth. Times are instants of the application's clock. */
export interface AuthDatabase {
  accounts: {
    id: string
    email: string
    display_name: string
    /** PHC string. */
    password_hash: string
    roles: Generated<string[]>
    created_at: Date
  }
  /** One row a refresh family. */
  sessions: {
    id: string
    account_id: string
    generation: number
    /** Of the newest refresh token. */
    token_hash: Buffer
    created_at: Date
    rotated_at: Date
    expires_at: Date
    revoked_at: Date | null
  }
  /**
   * A key is in the JWKS from published_at to retired_at, and may sign from active_at. The public half is no column:
   * it is computed from the sealed one, so that write access to this table alone publishes no key.
   */
  signing_keys: {
    kid: string
    /** PKCS#8, sealed. */
    private_key: Buffer
    published_at: Date
    active_at: Date
    retired_at: Date | null
  }
}
