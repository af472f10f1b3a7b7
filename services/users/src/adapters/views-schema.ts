import { type ReadModel } from '@veza/kit/projection'
import { type QueryExecutorProvider, sql } from 'kysely'
import { type ViewsDatabase } from './schema.ts'

/** Creates the tables of ViewsDatabase, empty, in a schema of their own: the live one, or one beside it to be built. */
const createTables = async (db: QueryExecutorProvider, schema: string): Promise<void> => {
  const table = (name: string) => sql.id(schema, name)
  await sql`
    create table ${table('profiles')} (
      user_id uuid primary key,
      version bigint not null,
      erased boolean not null,
      display_name text not null,
      handle text,
      bio text not null,
      location text not null,
      links jsonb not null,
      avatar_id uuid,
      approve_followers boolean not null,
      searchable boolean not null,
      follows_visible_to text not null,
      private_fields bytea,
      settings bytea,
      search text not null,
      erasure_due_at timestamptz,
      created_at timestamptz,
      updated_at timestamptz
    )`.execute(db)
  await sql`
    create index profiles_search on ${table('profiles')} using gin (search gin_trgm_ops)
    where searchable and not erased`.execute(db)
  await sql`
    create table ${table('pairs')} (
      low_id uuid not null,
      high_id uuid not null,
      version bigint not null,
      primary key (low_id, high_id)
    )`.execute(db)
  await sql`
    create table ${table('follows')} (
      follower_id uuid not null,
      followee_id uuid not null,
      state text not null,
      since timestamptz not null,
      primary key (follower_id, followee_id)
    )`.execute(db)
  // Lists run over these backwards; ids part those of one millisecond.
  await sql`
    create index follows_of_followee on ${table('follows')} (followee_id, state, since, follower_id)`.execute(
    db,
  )
  await sql`
    create index follows_of_follower on ${table('follows')} (follower_id, state, since, followee_id)`.execute(
    db,
  )
  await sql`
    create table ${table('blocks')} (
      blocker_id uuid not null,
      blocked_id uuid not null,
      since timestamptz not null,
      primary key (blocker_id, blocked_id)
    )`.execute(db)
  await sql`create index blocks_of_blocked on ${table('blocks')} (blocked_id)`.execute(db)
  await sql`
    create table ${table('follow_counts')} (
      user_id uuid primary key,
      followers integer not null,
      following integer not null
    )`.execute(db)
}

/** The views as a read model. Tables, or what is written to them, that are to be others take another version. */
export const usersViews: ReadModel<ViewsDatabase> = { schema: 'views', version: 1, createTables }
