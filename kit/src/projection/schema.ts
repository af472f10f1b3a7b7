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

/** Creates a model in the schema, empty, unless it is there. Safe when several processes do so at once. */
export const createModel = async <DB>(
  db: Kysely<DB>,
  { version, createTables }: ReadModel<DB>,
  schema: string,
): Promise<void> => {
  if (await exists(db, schema)) return
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`read model ${schema}`}))`.execute(trx)
    if (await exists(trx, schema)) return
    const { model, checkpoints, streams } = tablesOf(schema)
    await sql`create schema ${sql.id(schema)}`.execute(trx)
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
    await createTables(trx.withSchema(schema), schema)
  })
}

export const dropModel = async (db: Connection, schema: string): Promise<void> => {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db)
}
