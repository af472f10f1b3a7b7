import { SubjectErased } from '@veza/kit/sealing'
import { type Logger } from '@veza/kit/log'
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
  const seal = async ({ id, display_name: name }: { id: string; display_name: string | null }) => {
    try {
      const sealed_name = await personal.sealOne(id, 'displayName', name ?? '')
      await db
        .updateTable('accounts')
        .set({ sealed_name, display_name: null })
        .where('id', '=', id)
        .where('display_name', 'is not', null)
        .execute()
    } catch (error) {
      // Erased meanwhile, and the name with it.
      if (!(error instanceof SubjectErased)) throw error
    }
  }
  for (;;) {
    const rows = await db
      .selectFrom('accounts')
      .select(['id', 'display_name'])
      .where('display_name', 'is not', null)
      .where('erased_at', 'is', null)
      .limit(batchSize)
      .execute()
    if (rows.length === 0) return
    await Promise.all(rows.map(seal))
    log.info({ accounts: rows.length }, 'sealed names of accounts')
  }
}
