import { type EventMetadata } from '@veza/kit/events'
import { findAccountByEmail, projectAccount } from '../adapters/account-store.ts'
import { accountStream } from '../adapters/streams.ts'
import { type Account, decideAccount, type Role } from '../domain/account.ts'
import { parseEmail } from '../domain/credentials.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type SignedInCaller } from './deps.ts'
import { actingAs } from './session.ts'

type Deps = Pick<AuthDeps, 'db' | 'streams' | 'now'>

/** The roles of an account, and the version of its stream that they were read at. */
export interface VersionedRoles {
  readonly roles: readonly Role[]
  readonly version: number
}

const change = async (
  { db, streams, now }: Deps,
  {
    userId,
    ...wanted
  }: {
    userId: string
    roles: (account: Account) => readonly Role[]
    changedBy: string
    expectedVersion?: number | undefined
    metadata: EventMetadata
  },
): Promise<VersionedRoles> => {
  const { state, version } = await streams.accounts.execute(db, {
    stream: accountStream(userId),
    key: userId,
    decide: (account) => {
      const { changedBy } = wanted
      return decideAccount(
        { type: 'change-roles', roles: wanted.roles(account), changedBy, userId, at: now() },
        account,
      )
    },
    expectedVersion: wanted.expectedVersion,
    attempts: 3,
    metadata: wanted.metadata,
    alongside: (trx, executed) => projectAccount(trx, userId, executed),
  })
  return { roles: state.roles, version }
}

/**
 * Gives an account the roles that an administrator says, and no other. Rejects VersionConflict when its stream is not at
 * the version that they saw, and Rejection `no-such-account`.
 */
export const changeRoles =
  (deps: Deps & Pick<AuthDeps, 'personal'>) =>
  async (
    input: { userId: string; roles: readonly Role[]; version: number },
    caller: SignedInCaller,
  ): Promise<VersionedRoles> =>
    change(deps, {
      userId: input.userId,
      roles: () => input.roles,
      changedBy: caller.userId,
      expectedVersion: input.version,
      metadata: await actingAs(deps, caller.userId, caller),
    })

/** Gives a role to whoever has an address, on an operator's word. Rejects Rejection `no-such-account`. */
export const grantRole =
  (deps: Deps & Pick<AuthDeps, 'index'>) =>
  async (input: { email: string; role: Role }): Promise<VersionedRoles & { userId: string }> => {
    const account = await findAccountByEmail(deps.db, deps.index.email(parseEmail(input.email) ?? ''))
    if (!account) throw new Rejection('no-such-account')
    const roles = await change(deps, {
      userId: account.id,
      roles: (state) => [...state.roles, input.role],
      changedBy: 'operator',
      metadata: { actor: 'operator' },
    })
    return { ...roles, userId: account.id }
  }
