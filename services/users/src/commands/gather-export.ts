import { SubjectErased } from '@veza/kit/sealing'
import { writeContent } from '../adapters/export-content.ts'
import { exportProgress, findExport } from '../adapters/exports.ts'
import { type CommandDeps } from './deps.ts'

/** A part of the platform that has data about people. */
export interface ExportSource {
  readonly name: string
  /** All that it has about a person, JSON as it comes; undefined = nothing. Rejects, also in the middle, when it cannot say. */
  read(userId: string): Promise<AsyncIterable<string | Uint8Array> | undefined>
}

export type Gathered = 'ready' | 'done-before' | 'erased'

/**
 * Gathers an export from every source and keeps it, sealed, without ever holding it as a whole. Done again it does nothing;
 * interrupted, it begins anew. Rejects what a source rejects.
 */
export const gatherExport =
  (
    { db, sealing, now }: Pick<CommandDeps, 'db' | 'sealing' | 'now'>,
    { sources, keptMs }: { readonly sources: readonly ExportSource[]; readonly keptMs: number },
  ) =>
  async (exportId: string, userId: string): Promise<Gathered> => {
    const job = await findExport(db, exportId)
    // Erasing a person deletes their exports.
    if (job === undefined) return 'erased'
    if (job.state === 'ready') return 'done-before'
    const progress = exportProgress(db, exportId)

    const document = async function* (): AsyncGenerator<string | Uint8Array> {
      yield `{"exportedAt":${JSON.stringify(now())}`
      for (const [index, source] of sources.entries()) {
        await progress.running(index, sources.length)
        const part = await source.read(userId)
        yield `,\n${JSON.stringify(source.name)}:`
        if (part === undefined) yield 'null'
        else yield* part
      }
      await progress.running(sources.length, sources.length)
      yield '}'
    }

    try {
      const written = await writeContent(db, sealing, { exportId, userId }, document())
      await progress.ready(written, { at: now(), keptMs })
      return 'ready'
    } catch (error) {
      if (error instanceof SubjectErased) return 'erased'
      throw error
    }
  }
