import { type ColumnType, type Generated } from 'kysely'
import { type Role } from '../domain/account.ts'
import { type MailKind, type TokenPurpose } from '../domain/letters.ts'

/**
 * Tables of the database veza_auth beside the event store's and the data keys'. Times are instants of the application's
 * clock. What an event says of an account or a session is written here in the transaction that appends the event.
 */
export interface AuthDatabase {
  accounts: {
    id: string
    /** Keyed hash of the address in normal form: its reservation, and how it is found. null = erased. */
    email_hash: Buffer | null
    /** Sealed, the very bytes of the event. null = erased. */
    email: Buffer | null
    email_verified_at: Date | null
    /** Sealed, the very bytes of the event. null = erased. */
    sealed_name: Buffer | null
    /** In the clear, until the next start seals it (commands/seal-names.ts): of before names were sealed here. */
    display_name: string | null
    roles: ColumnType<Role[], Role[] | undefined, Role[]>
    /** Of the account's stream. */
    version: number
    created_at: Date
    erased_at: Date | null
  }
  /** In no event: a log that is kept for ever would let a password that was changed be guessed for ever. */
  credentials: {
    account_id: string
    /** PHC string or bcrypt's. */
    password_hash: string
  }
  /** Identities at outside providers, by keyed hash of issuer and subject. */
  identities: {
    identity_hash: Buffer
    account_id: string
    issuer: string
    linked_at: Date
  }
  /** One row a session, which is one refresh family. */
  sessions: {
    id: string
    account_id: string
    generation: number
    /** Of the newest refresh token. */
    token_hash: Buffer
    method: string
    /** Keyed hash of the network that it was started from. */
    network: Buffer | null
    /** Sealed, the very bytes of the event. */
    address: Buffer | null
    client: Buffer | null
    created_at: Date
    rotated_at: Date
    expires_at: Date
    revoked_at: Date | null
  }
  /**
   * A key is in the JWKS while its row is there, and may sign from active_at. The public half is no column: it is
   * computed from the sealed one, so that write access to this table alone publishes no key.
   */
  signing_keys: {
    kid: string
    /** PKCS#8, sealed. */
    private_key: Buffer
    published_at: Date
    active_at: Date
  }
  /** Random keys of this database's own. */
  secrets: {
    name: string
    /** 32 bytes, sealed. */
    sealed: Buffer
  }
  /** Limits on attempts: when the attempts of a key are paid for. */
  attempts: {
    key: Buffer
    paid_until: Date
  }
  one_time_tokens: {
    token_hash: Buffer
    purpose: TokenPurpose
    account_id: string
    expires_at: Date
  }
  /** Letters to be sent to whoever has an address, if anybody has it. */
  mail_requests: {
    id: Generated<number>
    kind: MailKind
    email_hash: Buffer
    requested_at: Date
    next_attempt_at: Date
    attempts: Generated<number>
  }
  /** Sign-ins at an outside provider that are under way. */
  oidc_flows: {
    handle_hash: Buffer
    state: string
    nonce: string
    code_verifier: string
    expires_at: Date
  }
}
