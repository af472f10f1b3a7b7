import { type Kysely, sql } from 'kysely'
import { type Connection } from '../events/index.ts'

/** The shape of a read model. */
export interface ReadModel<DB> {
  /** Its schema in the context's database: lower case letters, digits and _. */
  readonly schema: string
  /** Of its tables and of what is written to them. Another one needs a replay: `npm run ops -- replay <group>`. */
  readonly version: number
  /** Creates its tables. `db` has the schema set, which is another one while the model is rebuilt. */
  readonly createTables: (db: Kysely<DB>, schema: string) => Promise<void>
}

/** Where a model is rebuilt. */
export const nextSchema = (schema: string): string => `${schema}_next`

/** The projection's own tables, beside the model's and moved with them. */
export const tablesOf = (schema: string) => ({
  model: sql.table(`${schema}.projected_model`),
  checkpoints: sql.table(`${schema}.projected_checkpoints`),
  streams: sql.table(`${schema}.projected_streams`),
})

const exists = async (db: Connection, schema: string): Promise<boolean> => {
  const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(db)
  return rows.length > 0
}

/** The projection's own tables, of which nothing was read yet. */
const createPlaces = async (trx: Connection, schema: string, version: number): Promise<void> => {
  const { model, checkpoints, streams } = tablesOf(schema)
  await sql`create table ${model} (version integer not null, created_at timestamptz not null default now())`.execute(
    trx,
  )
  await sql`insert into ${model} (version) values (${version})`.execute(trx)
  await sql`
    create table ${checkpoints} (
      topic text not null,
      partition integer not null,
      next_offset bigint not null,
      primary key (topic, partition)
    ) with (fillfactor = 50)`.execute(trx)
  await sql`create table ${streams} (stream text primary key, version bigint not null) with (fillfactor = 80)`.execute(
    trx,
  )
}

/**
 * Creates a model in the schema, empty, unless it is there. Safe when several processes do so at once. As a step of a
 * migration it lets queries ask before the worker has run for the first time.
 */
export const createModel = async <DB>(
  db: Kysely<DB>,
  { version, createTables, ...model }: ReadModel<DB>,
  schema = model.schema,
): Promise<void> => {
  if (await exists(db, schema)) return
  const create = async (trx: Kysely<DB>): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtext(${`read model ${schema}`}))`.execute(trx)
    if (await exists(trx, schema)) return
    await sql`create schema ${sql.id(schema)}`.execute(trx)
    await createPlaces(trx, schema, version)
    await createTables(trx.withSchema(schema), schema)
  }
  await (db.isTransaction ? create(db) : db.transaction().execute(create))
}

/**
 * Makes a projection's model of a schema whose tables were there before, as a step of a migration. What its worker had
 * read by then it does not know: the worker goes on where its group's offsets are.
 *
 * @param version of the tables as they are
 */
export const adoptModel = async (db: Connection, schema: string, version: number): Promise<void> => {
  const { rows } = await sql<{ model: string | null }>`
    select to_regclass(${`${schema}.projected_model`})::text as model`.execute(db)
  if (rows[0]?.model === null) await createPlaces(db, schema, version)
}

export const dropModel = async (db: Connection, schema: string): Promise<void> => {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db)
}
