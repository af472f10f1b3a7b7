import { migrate, type Migrations } from '@veza/kit/postgres'
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
}

/** Brings auth's database up to date. Safe to run by several processes at once. Answers the steps it ran. */
export const migrateAuth = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
