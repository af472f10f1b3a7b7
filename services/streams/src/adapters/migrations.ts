import { createModel } from '@veza/kit/projection'
import { migrate, type Migrations } from '@veza/kit/postgres'
import { type Kysely, sql } from 'kysely'
import { type AnalyticsDatabase, analyticsModel } from './analytics.ts'

const migrations: Migrations = {
  '0001-salts': {
    async up(db) {
      await sql`create table salts (day integer primary key, salt bytea not null)`.execute(db)
    },
  },
  '0002-analytics': { up: (db: Kysely<AnalyticsDatabase>) => createModel(db, analyticsModel) },
}

/** Brings streams' database up to date; resolves to the steps that it ran. Safe to run by several processes at once. */
export const migrateStreams = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
