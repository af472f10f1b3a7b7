import { isUniqueViolation } from '@veza/kit/postgres'
import { VersionConflict } from '@veza/kit/events'
import { type Transaction } from 'kysely'
import { insertAccount, projectAccount, setPasswordHash } from '../adapters/account-store.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type Introduction } from '../adapters/personal-data.ts'
import { accountRecord } from '../adapters/publish.ts'
import { accountStream } from '../adapters/streams.ts'
import {
  type AccountEvent,
  decideAccount,
  evolveAccount,
  noAccount,
  type RegistrationMethod,
} from '../domain/account.ts'
import { type ImportedAccount } from '../domain/import-line.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps } from './deps.ts'

type Deps = Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'index' | 'now'>

/**
 * - `present`: it was imported before
 * - `email-taken`: another account has the address
 */
export type ImportOutcome = 'imported' | 'present' | 'email-taken'

/** How the accounts came to be, and on whose word. */
export interface ImportOrigin {
  readonly method: RegistrationMethod
  readonly actor: string
}

const eventsOf = (
  account: ImportedAccount,
  {
    sealed,
    method,
    actor,
    now,
  }: { sealed: Introduction<Buffer>; method: RegistrationMethod; actor: string; now: Date },
): AccountEvent[] => {
  const { userId, emailVerified, registeredAt: at } = account
  const formerId = method === 'import' ? account.formerId : null
  const registered = decideAccount(
    { type: 'register', userId, at, ...sealed, emailVerified, method, formerId },
    noAccount,
  )
  const state = registered.reduce(evolveAccount, noAccount)
  const { roles } = account
  return [
    ...registered,
    ...decideAccount({ type: 'change-roles', userId, at: now, roles, changedBy: actor }, state),
  ]
}

const write = async (
  { streams, index }: Deps,
  trx: Transaction<AuthDatabase>,
  accounts: readonly { account: ImportedAccount; sealed: Introduction<Buffer>; events: AccountEvent[] }[],
  actor: string,
): Promise<void> => {
  await streams.store.appendAll(
    trx,
    accounts.map(({ account: { userId }, events }) => ({
      stream: accountStream(userId),
      key: userId,
      expectedVersion: 0,
      events: events.map(accountRecord),
    })),
    { metadata: { actor } },
  )
  for (const { account, sealed, events } of accounts) {
    const [event] = events
    if (event?.type === 'registered')
      await insertAccount(trx, {
        ...{ event, emailHash: index.email(account.email), sealedName: sealed.displayName },
      })
    await projectAccount(trx, account.userId, { events: events.slice(1), version: events.length })
    if (account.passwordHash !== null) await setPasswordHash(trx, account.userId, account.passwordHash)
  }
}

/** Who of these is here already, by id (erased ones too) or by address. */
const alreadyHere = async ({ db, index }: Deps, accounts: readonly ImportedAccount[]) => {
  const rows = await db
    .selectFrom('accounts')
    .select(['id', 'email_hash'])
    .where((where) =>
      where.or([
        where(
          'id',
          'in',
          accounts.map(({ userId }) => userId),
        ),
        where(
          'email_hash',
          'in',
          accounts.map(({ email }) => index.email(email)),
        ),
      ]),
    )
    .execute()
  return {
    ids: new Set(rows.map(({ id }) => id)),
    emails: new Set(rows.flatMap((row) => (row.email_hash ? [row.email_hash.toString('hex')] : []))),
  }
}

/**
 * Imports accounts of another platform, a few hundred at most, in one transaction; those that are here already are left
 * as they are, so that an import that was broken off is run again from its start. Answers the outcome of each, in order.
 */
export const importAccounts =
  (deps: Deps) =>
  async (accounts: readonly ImportedAccount[], origin: ImportOrigin): Promise<ImportOutcome[]> => {
    if (accounts.length === 0) return []
    const { db, index, personal } = deps

    const attempt = async (wanted: readonly ImportedAccount[]): Promise<ImportOutcome[]> => {
      const { ids, emails } = await alreadyHere(deps, wanted)
      const outcomes = wanted.map(({ userId, email }): ImportOutcome => {
        const hash = index.email(email).toString('hex')
        if (ids.has(userId)) return 'present'
        if (emails.has(hash)) return 'email-taken'
        // The same person twice in one batch: the first one counts.
        ids.add(userId)
        emails.add(hash)
        return 'imported'
      })
      const fresh = wanted.filter((_, position) => outcomes[position] === 'imported')
      if (fresh.length === 0) return outcomes
      const introductions = await personal.sealIntroductions(fresh)
      const prepared = introductions.flatMap((sealed, position) => {
        const account = fresh[position]
        if (!account) return []
        return [{ account, sealed, events: eventsOf(account, { ...origin, sealed, now: deps.now() }) }]
      })
      await db.transaction().execute((trx) => write(deps, trx, prepared, origin.actor))
      return outcomes
    }

    try {
      return await attempt(accounts)
    } catch (error) {
      // Somebody of these registered meanwhile, or another import runs: one by one it shows who.
      const isRace =
        error instanceof VersionConflict ||
        isUniqueViolation(error) ||
        (error instanceof Rejection && error.code === 'email-taken')
      if (!isRace) throw error
      const outcomes: ImportOutcome[] = []
      for (const account of accounts) outcomes.push(...(await attempt([account])))
      return outcomes
    }
  }
