import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { type Readable } from 'node:stream'
import { type ExportJob, findExport, latestExport, readExport } from '../adapters/exports.ts'
import { type UsersDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'

interface ExportDeps {
  readonly db: Kysely<UsersDatabase>
  readonly sealing: Sealing
  readonly now: () => Date
}

const isOver = (job: ExportJob, now: Date): boolean => job.expiresAt !== null && job.expiresAt <= now

/** The newest export of a person that has not expired. */
export const newestExport =
  ({ db, now }: Pick<ExportDeps, 'db' | 'now'>) =>
  async (userId: string): Promise<ExportJob | undefined> => {
    const job = await latestExport(db, userId)
    return job === undefined || isOver(job, now()) ? undefined : job
  }

/** One of the person's own. Throws Rejection `export-not-found`. */
export const readExportJob =
  ({ db, now }: Pick<ExportDeps, 'db' | 'now'>) =>
  async (userId: string, exportId: string): Promise<ExportJob> => {
    const job = await findExport(db, exportId)
    if (job?.userId !== userId || isOver(job, now())) throw new Rejection('export-not-found')
    return job
  }

/** What was gathered, JSON, as it is read. Throws Rejection `export-not-found` or `export-not-ready`. */
export const downloadExport =
  (deps: ExportDeps) =>
  async (userId: string, exportId: string): Promise<Readable> => {
    const job = await readExportJob(deps)(userId, exportId)
    if (job.state !== 'ready') throw new Rejection('export-not-ready')
    const content = await readExport(deps.db, deps.sealing, exportId)
    if (content === undefined) throw new Rejection('export-not-found')
    return content
  }
