import { type Sealing } from '@veza/kit/sealing'
import { type Readable } from 'node:stream'
import { type Kysely } from 'kysely'
import { readContent, type WrittenContent } from './export-content.ts'
import { type ExportState, type UsersDatabase } from './schema.ts'

/** A job that gathers all data about a person. */
export interface ExportJob {
  readonly exportId: string
  readonly userId: string
  readonly state: ExportState
  /** Parts that are gathered, of `parts`; both 0 before it began. */
  readonly partsDone: number
  readonly parts: number
  readonly requestedAt: Date
  readonly finishedAt: Date | null
  /** When its content goes. */
  readonly expiresAt: Date | null
}

const jobs = (db: Kysely<UsersDatabase>) =>
  db
    .selectFrom('exports')
    .select([
      'export_id as exportId',
      'user_id as userId',
      'state',
      'parts_done as partsDone',
      'parts',
      'requested_at as requestedAt',
      'finished_at as finishedAt',
      'expires_at as expiresAt',
    ])

/** The one that was asked for last. */
export const latestExport = (db: Kysely<UsersDatabase>, userId: string): Promise<ExportJob | undefined> =>
  jobs(db).where('user_id', '=', userId).orderBy('requested_at', 'desc').limit(1).executeTakeFirst()

export const findExport = (db: Kysely<UsersDatabase>, exportId: string): Promise<ExportJob | undefined> =>
  jobs(db).where('export_id', '=', exportId).executeTakeFirst()

/** JSON, as it is read; undefined when it is not there, not whole, or nobody can open it any more. */
export const readExport = async (
  db: Kysely<UsersDatabase>,
  sealing: Sealing,
  exportId: string,
): Promise<Readable | undefined> => {
  const row = await db
    .selectFrom('exports')
    .select(['attempt', 'pieces'])
    .where('export_id', '=', exportId)
    .executeTakeFirst()
  if (row?.attempt == null || row.pieces === null) return undefined
  return readContent(db, sealing, { attempt: row.attempt, pieces: row.pieces })
}

/** What a worker tells of an export that it gathers. */
export const exportProgress = (db: Kysely<UsersDatabase>, exportId: string) => ({
  async running(partsDone: number, parts: number): Promise<void> {
    await db
      .updateTable('exports')
      .set({ state: 'running', parts_done: partsDone, parts })
      .where('export_id', '=', exportId)
      .execute()
  },
  /** Of attempts that go on at the same time the first that is whole stands. What others have written is deleted. */
  async ready(
    { attempt, pieces }: WrittenContent,
    { at, keptMs }: { at: Date; keptMs: number },
  ): Promise<void> {
    const expiresAt = new Date(at.getTime() + keptMs)
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('exports')
        .set({ state: 'ready', attempt, pieces, finished_at: at, expires_at: expiresAt })
        .where('export_id', '=', exportId)
        .where('state', '<>', 'ready')
        .execute()
      await trx
        .deleteFrom('export_pieces')
        .where('export_id', '=', exportId)
        .where('attempt', 'not in', (eb) =>
          eb
            .selectFrom('exports')
            .select('attempt')
            .where('export_id', '=', exportId)
            .$castTo<{ attempt: string }>(),
        )
        .execute()
    })
  },
  async failed(at: Date): Promise<void> {
    await db
      .updateTable('exports')
      .set({ state: 'failed', finished_at: at })
      .where('export_id', '=', exportId)
      .where('state', '<>', 'ready')
      .execute()
  },
})

/** Deletes exports whose time is over. @returns how many */
export const deleteExpiredExports = async (db: Kysely<UsersDatabase>, now: Date): Promise<number> => {
  const { numDeletedRows } = await db.deleteFrom('exports').where('expires_at', '<=', now).executeTakeFirst()
  return Number(numDeletedRows)
}
