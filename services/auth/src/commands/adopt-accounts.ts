import { type Logger } from '@veza/kit/log'
import { sql } from 'kysely'
import { type AuthDeps } from './deps.ts'
import { importAccounts } from './import-accounts.ts'

const batchSize = 200

interface FormerAccount {
  id: string
  email: string
  display_name: string
  password_hash: string
  created_at: Date
}

/**
 * Makes events of the accounts that were here before there were any (migration 003), and deletes their rows, in which the
 * address is in the clear. Processes that start together may both do so.
 */
export const adoptAccounts = async (
  deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'index' | 'now'> & { log: Logger },
): Promise<void> => {
  const { db, log } = deps
  const run = importAccounts(deps)
  for (;;) {
    const { rows } = await sql<FormerAccount>`
      select id, email, display_name, password_hash, created_at from former_accounts
      order by id limit ${batchSize}`.execute(db)
    if (rows.length === 0) return
    const accounts = rows.map((row) => ({
      ...{ userId: row.id, formerId: row.id, email: row.email, emailVerified: false, roles: [] },
      ...{ displayName: row.display_name, passwordHash: row.password_hash, registeredAt: row.created_at },
    }))
    await run(accounts, { method: 'password', actor: 'migration' })
    await sql`delete from former_accounts where id = any(${rows.map(({ id }) => id)}::uuid[])`.execute(db)
    log.info({ accounts: rows.length }, 'adopted accounts of before there were events')
  }
}
