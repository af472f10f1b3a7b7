import { type AuditSource } from '@veza/kit/audit'
import { inPages, type PersonalParts } from '@veza/kit/personal-data'
import { type Kysely } from 'kysely'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PersonalData } from '../adapters/personal-data.ts'
import { accountStream, type Streams } from '../adapters/streams.ts'
import { readOwnAccount } from './account.ts'
import { findAccount } from '../adapters/account-store.ts'

const pageSize = 500

/** All that auth has about a person, for their export. undefined: there is no such account, or it was erased. */
export const readPersonalData =
  (deps: {
    readonly db: Kysely<AuthDatabase>
    readonly personal: PersonalData
    readonly streams: Streams
    readonly audit: AuditSource
    readonly now: () => Date
  }) =>
  async (userId: string): Promise<PersonalParts | undefined> => {
    const { db, personal, streams, audit } = deps
    if ((await findAccount(db, userId)) === undefined) return undefined
    const account = await readOwnAccount(deps)(userId)
    const records = await streams.store.readStream(db, accountStream(userId))
    const linked = records.flatMap((record) => (record.type === 'IdentityLinked' ? [record.value] : []))
    const subjects = await personal.open(
      linked.map(({ subject }) => ({ userId, field: 'subject' as const, sealed: subject })),
    )

    const sessions = inPages(async (after?: { id: string }) => {
      const rows = await db
        .selectFrom('sessions')
        .select(['id', 'method', 'address', 'client', 'created_at', 'rotated_at', 'expires_at', 'revoked_at'])
        .where('account_id', '=', userId)
        .$if(after !== undefined, (query) => query.where('id', '>', after?.id ?? ''))
        .orderBy('id')
        .limit(pageSize)
        .execute()
      const opened = await personal.open(
        rows.flatMap(({ address, client }) => [
          { userId, field: 'address', sealed: address } as const,
          { userId, field: 'client', sealed: client } as const,
        ]),
      )
      return rows.map((row, index) => ({
        ...{ id: row.id, method: row.method },
        ...{ address: opened[2 * index], client: opened[2 * index + 1] },
        ...{ startedAt: row.created_at, refreshedAt: row.rotated_at },
        ...{ expiresAt: row.expires_at, endedAt: row.revoked_at },
      }))
    })

    // What others did to the account is told, but neither who nor from where.
    const history = inPages(async (after?: { id: string; at: string }) => {
      const entries = await audit.read({ names: [userId] }, after, pageSize)
      return entries.map(({ id, at, type, actor, address, userId: about }) => ({
        ...{ id, at, what: type, ofAnother: about !== userId },
        ...{ byYou: actor === userId, address: actor === userId ? address : null },
      }))
    })

    return {
      account,
      identities: linked.map(({ issuer, linkedAt }, index) => ({
        ...{ issuer, subject: subjects[index] ?? null, linkedAt: new Date(linkedAt) },
      })),
      sessions,
      history,
    }
  }
