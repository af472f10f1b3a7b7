import { SubjectErased } from '@veza/kit/sealing'
import { exportProgress, findExport } from '../adapters/exports.ts'
import { type CommandDeps } from './deps.ts'

/** A part of the platform that has data about people. */
export interface ExportSource {
  readonly name: string
  /** All that it has about a person, as JSON; undefined = nothing. Rejects when it cannot say. */
  read(userId: string): Promise<unknown>
}

export type Gathered = 'ready' | 'done-before' | 'erased'

/**
 * Gathers an export from every source and keeps it, sealed. Done again it does nothing; interrupted, it begins anew.
 * Rejects what a source rejects.
 */
export const gatherExport =
  (
    { db, sealing, now }: Pick<CommandDeps, 'db' | 'sealing' | 'now'>,
    o: { readonly sources: readonly ExportSource[]; readonly keptMs: number },
  ) =>
  async (exportId: string, userId: string): Promise<Gathered> => {
    const job = await findExport(db, exportId)
    // Erasing a person deletes their exports.
    if (job === undefined) return 'erased'
    if (job.state === 'ready') return 'done-before'
    const progress = exportProgress(db, sealing, exportId)
    const parts: Record<string, unknown> = {}
    for (const [index, source] of o.sources.entries()) {
      await progress.running(index, o.sources.length)
      parts[source.name] = (await source.read(userId)) ?? null
    }
    await progress.running(o.sources.length, o.sources.length)
    try {
      const at = now()
      await progress.ready(userId, { exportedAt: at, ...parts }, { at, keptMs: o.keptMs })
      return 'ready'
    } catch (error) {
      if (error instanceof SubjectErased) return 'erased'
      throw error
    }
  }
