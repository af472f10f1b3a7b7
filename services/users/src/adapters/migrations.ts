import { createAuditIndexes, renewAuditIndexes } from '@veza/kit/audit'
import { createEventStore, renewEventStore } from '@veza/kit/events'
import { createHttpAnswers } from '@veza/kit/http'
import { adoptModel, createModel } from '@veza/kit/projection'
import { migrate, type Migrations } from '@veza/kit/postgres'
import { createDataKeys, indexErasures } from '@veza/kit/sealing'
import { type Kysely, sql } from 'kysely'
import { type ViewsDatabase } from './schema.ts'
import { usersViews } from './views-schema.ts'

const createOwnTables = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table handles (
      handle text primary key,
      user_id uuid not null constraint handles_user_unique unique
    )`.execute(db)
  await sql`
    create table avatars (
      avatar_id uuid not null,
      user_id uuid not null,
      size integer not null,
      content bytea not null,
      primary key (avatar_id, size)
    )`.execute(db)
  await sql`create index avatars_user on avatars (user_id)`.execute(db)
  await sql`
    create table exports (
      export_id uuid primary key,
      user_id uuid not null,
      state text not null constraint exports_state_known check (state in ('queued', 'running', 'ready', 'failed')),
      parts_done integer not null default 0,
      parts integer not null default 0,
      requested_at timestamptz not null,
      finished_at timestamptz,
      expires_at timestamptz,
      content bytea
    )`.execute(db)
  await sql`create index exports_user on exports (user_id, requested_at desc)`.execute(db)
  await sql`create index exports_expiry on exports (expires_at) where expires_at is not null`.execute(db)
  await sql`create table erasures (user_id uuid primary key, due_at timestamptz not null)`.execute(db)
  await sql`create index erasures_due on erasures (due_at)`.execute(db)
}

const migrations: Migrations = {
  '001-events': { up: createEventStore },
  '002-data-keys': { up: createDataKeys },
  // A table that nothing was ever in; a later step drops it where it is.
  '003-inbox': { up: () => Promise.resolve() },
  '004-own-tables': { up: createOwnTables },
  '005-search': {
    async up(db) {
      // Trusted since PostgreSQL 13: the database's owner may create it.
      await sql`create extension if not exists pg_trgm`.execute(db)
    },
  },
  '006-views': { up: (db: Kysely<ViewsDatabase>) => createModel(db, usersViews) },
  // Where the step before this one was another: of the tables alone, as they were then.
  '007-views-are-a-projection': { up: (db) => adoptModel(db, usersViews.schema, 1) },
  '008-audit': { up: createAuditIndexes },
  '009-exports-in-pieces': {
    async up(db) {
      // Copies of before were in one piece. They are kept for days only: who wants one asks again.
      await sql`delete from exports`.execute(db)
      await sql`alter table exports drop column content, add column attempt uuid, add column pieces integer`.execute(
        db,
      )
      await sql`
        create table export_pieces (
          export_id uuid not null references exports (export_id) on delete cascade,
          attempt uuid not null,
          piece integer not null,
          content bytea not null,
          primary key (attempt, piece)
        )`.execute(db)
      await sql`create index export_pieces_export on export_pieces (export_id)`.execute(db)
    },
  },
  '010-http-answers': { up: createHttpAnswers },
  '011-names-in-events': {
    async up(db) {
      await renewEventStore(db)
      await renewAuditIndexes(db)
    },
  },
  '012-erased-keys': { up: indexErasures },
  '013-without-inbox': {
    async up(db) {
      await sql`drop table if exists inbox`.execute(db)
    },
  },
}

/** Brings users' database up to date; resolves to the steps that it ran. Safe to run by several processes at once. */
export const migrateUsers = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
