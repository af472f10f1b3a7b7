import { createAuditIndexes, renewAuditIndexes } from '@veza/kit/audit'
import { createEventStore, renewEventStore } from '@veza/kit/events'
import { createHttpAnswers } from '@veza/kit/http'
import { migrate, type Migrations } from '@veza/kit/postgres'
import { createDataKeys, indexErasures } from '@veza/kit/sealing'
import { sql } from 'kysely'

const migrations: Migrations = {
  '001-accounts-sessions-signing-keys': {
    async up(db) {
      await sql`
        create table accounts (
          id uuid primary key,
          email text not null constraint accounts_email_unique unique,
          display_name text not null,
          password_hash text not null,
          roles text[] not null default '{}',
          created_at timestamptz not null
        )`.execute(db)
      // One row a sign-in, rewritten at each refresh: fillfactor leaves room for that to stay on its page.
      await sql`
        create table sessions (
          id uuid primary key,
          account_id uuid not null references accounts (id) on delete cascade,
          generation integer not null,
          token_hash bytea not null,
          created_at timestamptz not null,
          rotated_at timestamptz not null,
          expires_at timestamptz not null,
          revoked_at timestamptz
        ) with (fillfactor = 70)`.execute(db)
      await sql`create index sessions_account on sessions (account_id)`.execute(db)
      await sql`
        create table signing_keys (
          kid text primary key,
          private_key bytea not null,
          published_at timestamptz not null,
          active_at timestamptz not null,
          retired_at timestamptz
        )`.execute(db)
    },
  },

  '002-event-store-and-data-keys': {
    async up(db) {
      await createEventStore(db)
      await createDataKeys(db)
    },
  },

  // Accounts of before have their address in the clear and no history: they are set aside, and become events at the
  // next start, when there is a key to seal with (commands/adopt-accounts.ts). Their sessions and the signing key, which
  // was sealed in a form of the past, are given up: people sign in again.
  '003-accounts-as-events': {
    async up(db) {
      await sql`drop table sessions`.execute(db)
      await sql`alter table accounts rename to former_accounts`.execute(db)
      await sql`alter table former_accounts rename constraint accounts_email_unique to former_accounts_email_unique`.execute(
        db,
      )
      await sql`alter index accounts_pkey rename to former_accounts_pkey`.execute(db)
      await sql`
        create table accounts (
          id uuid primary key,
          email_hash bytea constraint accounts_email_unique unique,
          email bytea,
          email_verified_at timestamptz,
          display_name text not null,
          roles text[] not null default '{}',
          version bigint not null,
          created_at timestamptz not null,
          erased_at timestamptz,
          constraint accounts_whole_or_erased
            check ((email is null) = (erased_at is not null) and (email_hash is null) = (erased_at is not null))
        )`.execute(db)
      await sql`
        create table credentials (
          account_id uuid primary key references accounts (id),
          password_hash text not null
        )`.execute(db)
      await sql`
        create table identities (
          identity_hash bytea primary key,
          account_id uuid not null references accounts (id),
          issuer text not null,
          linked_at timestamptz not null
        )`.execute(db)
      await sql`create index identities_account on identities (account_id)`.execute(db)
      // One row a sign-in, rewritten at each refresh: fillfactor leaves room for that to stay on its page.
      await sql`
        create table sessions (
          id uuid primary key,
          account_id uuid not null references accounts (id),
          generation integer not null,
          token_hash bytea not null,
          method text not null,
          network bytea,
          address bytea,
          client bytea,
          created_at timestamptz not null,
          rotated_at timestamptz not null,
          expires_at timestamptz not null,
          revoked_at timestamptz
        ) with (fillfactor = 70)`.execute(db)
      await sql`create index sessions_account on sessions (account_id)`.execute(db)
      await sql`truncate signing_keys`.execute(db)
      await sql`alter table signing_keys drop column retired_at`.execute(db)
      await sql`create table secrets (name text primary key, sealed bytea not null)`.execute(db)
      // Nothing in it is worth a write-ahead log: after a crash everybody begins with all attempts.
      await sql`
        create unlogged table attempts (key bytea primary key, paid_until timestamptz not null)
          with (fillfactor = 70)`.execute(db)
      await sql`create index attempts_paid_until on attempts (paid_until)`.execute(db)
      await sql`
        create table one_time_tokens (
          token_hash bytea primary key,
          purpose text not null,
          account_id uuid not null references accounts (id),
          expires_at timestamptz not null
        )`.execute(db)
      await sql`create index one_time_tokens_account on one_time_tokens (account_id, purpose)`.execute(db)
      await sql`
        create table mail_requests (
          id bigint generated always as identity primary key,
          kind text not null,
          email_hash bytea not null,
          requested_at timestamptz not null,
          next_attempt_at timestamptz not null,
          attempts integer not null default 0
        )`.execute(db)
      await sql`create index mail_requests_due on mail_requests (next_attempt_at)`.execute(db)
      await sql`
        create table oidc_flows (
          handle_hash bytea primary key,
          state text not null,
          nonce text not null,
          code_verifier text not null,
          expires_at timestamptz not null
        )`.execute(db)
    },
  },

  '004-audit-and-decoys': {
    async up(db) {
      // Who asks what happened to somebody: the event store itself is read by stream and by position.
      await sql`create index events_key on events.events (key, position)`.execute(db)
      // Passwords that are to be hashed anew, few and fewer: see adapters/decoy-hashes.ts.
      await sql`
        create index credentials_foreign on credentials (account_id)
          where password_hash not like '$argon2id$v=19$m=48128,t=1,p=1$%'`.execute(db)
    },
  },
  '005-audit-over-all': {
    async up(db) {
      await createAuditIndexes(db)
      await sql`drop index events.events_key`.execute(db)
    },
  },
  '006-http-answers': { up: createHttpAnswers },
  '007-names-in-events': {
    async up(db) {
      await renewEventStore(db)
      await renewAuditIndexes(db)
    },
  },
  '008-erased-keys': { up: indexErasures },
  // There is no key here to seal with: the next start does it (commands/seal-names.ts).
  '009-sealed-names': {
    async up(db) {
      await sql`alter table accounts add column sealed_name bytea, alter column display_name drop not null`.execute(
        db,
      )
      await sql`update accounts set display_name = null where erased_at is not null`.execute(db)
    },
  },
}

/** Brings auth's database up to date. Safe to run by several processes at once. Answers the steps it ran. */
export const migrateAuth = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
