import { SubjectErased } from '@veza/kit/sealing'
import { type Logger } from '@veza/kit/log'
import { type NotNull } from 'kysely'
import { type AuthDeps } from './deps.ts'

const batchSize = 50

/**
 * Seals the names that stand in rows of accounts in the clear, from before they were sealed there (ADR 36). Processes that
 * start together may both do so.
 */
export const sealNames = async ({
  db,
  personal,
  log,
}: Pick<AuthDeps, 'db' | 'personal'> & { log: Logger }): Promise<void> => {
  const seal = async ({ id, display_name }: { id: string; display_name: string }) => {
    const sealed_name = await personal.sealOne(id, 'displayName', display_name).catch((error: unknown) => {
      // Erased meanwhile, or in a backup that is older than their erasure: the name goes all the same.
      if (error instanceof SubjectErased) return null
      throw error
    })
    await db
      .updateTable('accounts')
      .set({ sealed_name, display_name: null })
      .where('id', '=', id)
      .where('display_name', 'is not', null)
      .execute()
  }
  for (;;) {
    const rows = await db
      .selectFrom('accounts')
      .select(['id', 'display_name'])
      .where('display_name', 'is not', null)
      .where('erased_at', 'is', null)
      .limit(batchSize)
      .$narrowType<{ display_name: NotNull }>()
      .execute()
    if (rows.length === 0) return
    await Promise.all(rows.map(seal))
    log.info({ accounts: rows.length }, 'sealed names of accounts')
  }
}
