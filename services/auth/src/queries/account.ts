import { type Kysely } from 'kysely'
import { findAccount, findPasswordHash } from '../adapters/account-store.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PersonalData } from '../adapters/personal-data.ts'
import { listSessions } from '../adapters/session-store.ts'
import { type Role } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'

interface QueryDeps {
  readonly db: Kysely<AuthDatabase>
  readonly personal: PersonalData
  readonly now: () => Date
}

/** An account as its person sees it. */
export interface OwnAccount {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  readonly displayName: string
  readonly roles: readonly Role[]
  readonly hasPassword: boolean
}

/** Rejects Rejection `no-such-account`. */
export const readOwnAccount =
  ({ db, personal }: QueryDeps) =>
  async (userId: string): Promise<OwnAccount> => {
    const account = await findAccount(db, userId)
    const said = account && (await personal.openIntroduction(userId, account))
    if (!account || !said) throw new Rejection('no-such-account')
    const { id, emailVerified, roles } = account
    const hasPassword = (await findPasswordHash(db, userId)) !== undefined
    return { id, ...said, emailVerified, roles, hasPassword }
  }

/** What somebody is called. Rejects Rejection `no-such-account`, also when they were erased. */
export const readName =
  ({ db, personal }: Pick<QueryDeps, 'db' | 'personal'>) =>
  async (userId: string): Promise<string> => {
    const account = await findAccount(db, userId)
    const said = account && (await personal.openIntroduction(userId, account))
    if (!said) throw new Rejection('no-such-account')
    return said.displayName
  }

/** A session as its person sees it. Times in ISO 8601. */
export interface OwnSession {
  readonly id: string
  readonly method: string
  readonly address: string | null
  readonly client: string | null
  readonly startedAt: string
  readonly refreshedAt: string
  readonly expiresAt: string
}

/** The person's sessions that go on, the one that was used last first. */
export const readOwnSessions =
  ({ db, personal, now }: QueryDeps) =>
  async (userId: string): Promise<OwnSession[]> => {
    const sessions = await listSessions(db, userId, now())
    const opened = await personal.open(
      sessions.flatMap(({ address, client }) => [
        { userId, field: 'address', sealed: address } as const,
        { userId, field: 'client', sealed: client } as const,
      ]),
    )
    return sessions.map((session, index) => ({
      id: session.id,
      method: session.method,
      address: opened[2 * index] ?? null,
      client: opened[2 * index + 1] ?? null,
      startedAt: session.startedAt.toISOString(),
      refreshedAt: session.refreshedAt.toISOString(),
      expiresAt: session.expiresAt.toISOString(),
    }))
  }

/** Any account's roles, for administrators, and the version to change them at. Rejects Rejection `no-such-account`. */
export const readRoles =
  ({ db }: QueryDeps) =>
  async (userId: string): Promise<{ roles: readonly Role[]; version: number }> => {
    const account = await findAccount(db, userId)
    if (!account) throw new Rejection('no-such-account')
    const { roles, version } = account
    return { roles, version }
  }
