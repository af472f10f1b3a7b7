import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { type KeyEncryption } from './key-encryption.ts'
import { type SealedPlace } from './seal.ts'

/** A data key's row. Once erased it keeps who it was of, so that an erased value is told from a foreign one. */
export interface DataKeyRow {
  readonly key_id: string
  readonly subject: string
  /** null = erased. */
  readonly wrapped: Buffer | null
  readonly kek: string | null
}

/**
 * Creates the table of data keys, as a step of a migration. It has a schema of its own, `sealing`, so that it can be
 * backed up apart from what it opens (`pg_dump --exclude-schema=sealing`).
 */
export const createDataKeys = async (db: Kysely<unknown>): Promise<void> => {
  await sql`create schema sealing`.execute(db)
  await sql`
    create table sealing.data_keys (
      key_id uuid primary key,
      subject text not null constraint data_keys_subject_unique unique,
      wrapped bytea,
      kek text,
      created_at timestamptz not null default now(),
      erased_at timestamptz,
      constraint data_keys_erased_or_whole check (
        (wrapped is null) = (erased_at is not null) and (wrapped is null) = (kek is null)
      )
    )`.execute(db)
  // For the rewrapping: what is not yet under the current key-encryption key.
  await sql`create index data_keys_kek on sealing.data_keys (kek, key_id) where wrapped is not null`.execute(
    db,
  )
}

/** The subject is part of the place: a key that is given to somebody else by an UPDATE does not open. */
export const placeOfKey = (keyId: string, subject: string): SealedPlace => ({
  table: 'sealing.data_keys',
  row: `${keyId}/${subject}`,
  column: 'wrapped',
})

/** Reads keys by id or by subject; what is missing is left out. */
export const readDataKeys = async (
  db: QueryExecutorProvider,
  by: { readonly ids: readonly string[] } | { readonly subjects: readonly string[] },
): Promise<DataKeyRow[]> => {
  const wanted =
    'ids' in by ? sql`key_id = any(${by.ids}::uuid[])` : sql`subject = any(${by.subjects}::text[])`
  const { rows } = await sql<DataKeyRow>`
    select key_id, subject, wrapped, kek from sealing.data_keys where ${wanted}`.execute(db)
  return rows
}

/** Makes recentlyErased cheap, as a step of a migration after createDataKeys. */
export const indexErasures = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create index data_keys_erased on sealing.data_keys (erased_at) where erased_at is not null`.execute(db)
}

/** The ids of keys whose erasing began at most so long ago, by the database's clock. */
export const recentlyErased = async (db: QueryExecutorProvider, withinMs: number): Promise<string[]> => {
  const { rows } = await sql<{ key_id: string }>`
    select key_id from sealing.data_keys where erased_at >= now() - ${withinMs} * interval '1 ms'`.execute(db)
  return rows.map(({ key_id }) => key_id)
}

/** Stores new keys. A subject that has one meanwhile keeps that one. */
export const insertDataKeys = async (
  db: QueryExecutorProvider,
  keys: readonly { keyId: string; subject: string; wrapped: Buffer; kek: string }[],
): Promise<void> => {
  await sql`
    insert into sealing.data_keys (key_id, subject, wrapped, kek)
    select * from unnest(
      ${keys.map(({ keyId }) => keyId)}::uuid[], ${keys.map(({ subject }) => subject)}::text[],
      ${keys.map(({ wrapped }) => wrapped)}::bytea[], ${keys.map(({ kek }) => kek)}::text[])
    on conflict (subject) do nothing`.execute(db)
}

/**
 * Deletes a subject's data key: whatever was sealed under it, wherever a copy of that is, opens nowhere again. A subject
 * without one gets the mark too, so that nothing is sealed for them afterwards.
 *
 * @returns false when it had been erased before
 */
export const eraseDataKey = async (db: QueryExecutorProvider, subject: string): Promise<boolean> => {
  const { rows } = await sql`
    insert into sealing.data_keys (key_id, subject, erased_at) values (gen_random_uuid(), ${subject}, now())
    on conflict (subject) do update set wrapped = null, kek = null, erased_at = now()
      where data_keys.wrapped is not null
    returning 1`.execute(db)
  return rows.length === 1
}

/** What is left of a rewrapping. */
export interface Rewrapped {
  /** The key-encryption key that wraps now. */
  readonly current: string
  /** Data keys that this run wrapped anew. */
  readonly rewrapped: number
  /** Data keys that do not open, by the key-encryption key that they need. Empty: the others can be taken away. */
  readonly left: Readonly<Record<string, number>>
}

const nextOutdated = async (db: QueryExecutorProvider, current: string, after: string, limit: number) => {
  const { rows } = await sql<{ key_id: string; subject: string; wrapped: Buffer; kek: string }>`
    select key_id, subject, wrapped, kek from sealing.data_keys
    where wrapped is not null and kek <> ${current} and key_id > ${after}
    order by key_id limit ${limit}`.execute(db)
  return rows
}

/**
 * Wraps every data key anew that is not under the current key-encryption key; what they seal stays as it is. Can be
 * stopped and run again at any time, beside running services: a key that somebody erases or rewraps meanwhile is left
 * alone. Rejects KeyEncryptionUnavailable.
 */
export const rewrapDataKeys = async (
  db: QueryExecutorProvider,
  keyEncryption: KeyEncryption,
  { batch = 500, progress = () => undefined }: { batch?: number; progress?: (done: number) => void } = {},
): Promise<Rewrapped> => {
  const current = await keyEncryption.current()
  const left: Record<string, number> = {}
  let rewrapped = 0
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    // No lock is held while Vault is asked: the update compares instead.
    const rows = await nextOutdated(db, current, after, batch)
    const last = rows.at(-1)
    if (last === undefined) return { current, rewrapped, left }
    after = last.key_id
    const places = rows.map((row) => placeOfKey(row.key_id, row.subject))
    const opened = await keyEncryption.unwrap(
      rows.map(({ wrapped, kek }, index) => ({ wrapped, kek, place: places[index] as SealedPlace })),
    )
    const good = rows.flatMap((row, index) => {
      const key = opened[index]
      if (Buffer.isBuffer(key)) return [{ row, key, place: places[index] as SealedPlace }]
      left[row.kek] = (left[row.kek] ?? 0) + 1
      return []
    })
    const wrapped = await keyEncryption.wrap(good)
    const { numAffectedRows = 0n } = await sql`
      update sealing.data_keys set wrapped = new.wrapped, kek = new.kek
      from unnest(
        ${good.map(({ row }) => row.key_id)}::uuid[], ${good.map(({ row }) => row.kek)}::text[],
        ${wrapped.map((key) => key.wrapped)}::bytea[], ${wrapped.map(({ kek }) => kek)}::text[]
      ) as new (key_id, old_kek, wrapped, kek)
      where data_keys.key_id = new.key_id and data_keys.kek = new.old_kek`.execute(db)
    rewrapped += Number(numAffectedRows)
    progress(rewrapped)
  }
}
