import { type Kysely } from 'kysely'
import { Rejection } from '../domain/rejection.ts'
import { type Visibility } from '../domain/visibility.ts'
import { type TracksDatabase } from './schema.ts'

/** An upload that has begun and is no track yet. */
export interface Upload {
  /** Also the id of the track that it becomes. */
  readonly id: string
  readonly ownerId: string
  readonly bytes: number
  readonly filename: string
  readonly title: string | null
  readonly visibility: Visibility
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Bounds on what one person may bring. */
export interface UploadLimits {
  /** Of all of a person's tracks and open uploads together. */
  readonly quotaBytes: number
  /** Open at once. */
  readonly maxOpen: number
}

/** Who uploads what. The bytes are elsewhere. */
export interface Uploads {
  /** @throws Rejection `quota-exceeded`, `too-many-uploads` */
  begin(upload: Upload, limits: UploadLimits): Promise<void>
  /** undefined: no such upload of that owner's. */
  find(id: string, ownerId: string): Promise<Upload | undefined>
  remove(id: string): Promise<void>
  expired(now: Date, limit: number): Promise<string[]>
  /** Those that had begun before a time, by their ids. @param after id of the last of the page before */
  begun(before: Date, page: { readonly after: string | undefined; readonly limit: number }): Promise<Upload[]>
}

const columns = [
  'id',
  'owner_id',
  'bytes',
  'filename',
  'title',
  'visibility',
  'created_at',
  'expires_at',
] as const

const read = (row: TracksDatabase['uploads']): Upload => ({
  ...{ id: row.id, ownerId: row.owner_id, bytes: row.bytes, filename: row.filename, title: row.title },
  ...{ visibility: row.visibility, createdAt: row.created_at, expiresAt: row.expires_at },
})

export const uploadStore = (db: Kysely<TracksDatabase>): Uploads => ({
  async begin(upload, { quotaBytes, maxOpen }) {
    await db.transaction().execute(async (trx) => {
      // Two at once would both find room for one. The lock is the person's own, and ends with the transaction.
      await trx
        .selectNoFrom((eb) =>
          eb
            .fn('pg_advisory_xact_lock', [eb.fn('hashtextextended', [eb.val(upload.ownerId), eb.val(1)])])
            .as('lock'),
        )
        .execute()
      const open = await trx
        .selectFrom('uploads')
        .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.sum<string | null>('bytes').as('bytes')])
        .where('owner_id', '=', upload.ownerId)
        .executeTakeFirstOrThrow()
      const stored = await trx
        .selectFrom('tracks')
        .select((eb) => eb.fn.sum<string | null>('source_bytes').as('bytes'))
        .where('owner_id', '=', upload.ownerId)
        .executeTakeFirstOrThrow()
      if (open.count >= maxOpen) throw new Rejection('too-many-uploads')
      if (Number(open.bytes ?? 0) + Number(stored.bytes ?? 0) + upload.bytes > quotaBytes)
        throw new Rejection('quota-exceeded')
      const { id, ownerId, bytes, filename, title, visibility, createdAt, expiresAt } = upload
      await trx
        .insertInto('uploads')
        .values({
          ...{ id, owner_id: ownerId, bytes, filename, title, visibility },
          ...{ created_at: createdAt, expires_at: expiresAt },
        })
        .execute()
    })
  },

  async find(id, ownerId) {
    const row = await db
      .selectFrom('uploads')
      .select(columns)
      .where('id', '=', id)
      .where('owner_id', '=', ownerId)
      .executeTakeFirst()
    return row && read(row)
  },

  async remove(id) {
    await db.deleteFrom('uploads').where('id', '=', id).execute()
  },

  async expired(now, limit) {
    const rows = await db
      .selectFrom('uploads')
      .select('id')
      .where('expires_at', '<', now)
      .orderBy('expires_at')
      .limit(limit)
      .execute()
    return rows.map(({ id }) => id)
  },

  async begun(before, { after, limit }) {
    const rows = await db
      .selectFrom('uploads')
      .select(columns)
      .where('created_at', '<', before)
      .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after)))
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(read)
  },
})
