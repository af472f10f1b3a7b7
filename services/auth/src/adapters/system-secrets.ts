import { randomBytes } from 'node:crypto'
import { type Sealing } from '@veza/kit/sealing'
import { type Kysely, sql } from 'kysely'
import { type AuthDatabase } from './database.ts'

/** Whose data key seals what is no person's. */
export const systemSubject = 'system:auth'

const names = ['blind-index', 'refresh-tokens'] as const

/** Keys of 32 random bytes that stay as they are for the life of the database, whatever key encrypts them. */
export type SystemSecrets = Readonly<Record<(typeof names)[number], Buffer>>

const place = (name: string) => ({ table: 'secrets', row: name, column: 'sealed' })

/**
 * Reads the secrets, and makes those that are missing. Processes that start together agree: what is there first stays.
 * Rejects SealBroken.
 */
export const openSystemSecrets = async (
  db: Kysely<AuthDatabase>,
  sealing: Sealing,
): Promise<SystemSecrets> => {
  const read = () => db.selectFrom('secrets').selectAll().where('name', 'in', names).execute()
  let rows = await read()
  if (rows.length < names.length) {
    const sealed = await sealing.seal(
      names.map((name) => ({ subject: systemSubject, plain: randomBytes(32), place: place(name) })),
    )
    await sql`
      insert into secrets (name, sealed) select * from unnest(${[...names]}::text[], ${sealed}::bytea[])
      on conflict do nothing`.execute(db)
    rows = await read()
  }
  const opened = await sealing.open(rows.map(({ name, sealed }) => ({ sealed, place: place(name) })))
  const secrets = rows.map(({ name }, index) => {
    const secret = opened[index]
    if (secret?.state !== 'open') throw new Error(`the data key of ${systemSubject} was erased`)
    return [name, secret.plain] as const
  })
  return Object.fromEntries(secrets) as SystemSecrets
}
