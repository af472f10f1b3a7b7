import { randomUUID } from 'node:crypto'
import { isUniqueViolation } from '@veza/kit/postgres'
import {
  deletePasswordHash,
  findAccount,
  findAccountByEmail,
  findAccountByIdentity,
  holdAccount,
  insertAccount,
  insertIdentity,
  projectAccount,
  type StoredAccount,
} from '../adapters/account-store.ts'
import { keepFlow, type KeptFlow, putFlow, takeFlow } from '../adapters/oidc-flows.ts'
import { type OidcProvider, type OutsideIdentity, ProviderFailure } from '../adapters/oidc-provider.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { type AccountCommand, decideAccount, type PasswordChangeReason } from '../domain/account.ts'
import { parseDisplayName, parseEmail } from '../domain/credentials.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { limited } from './limited.ts'
import {
  endSessions,
  type PreparedSession,
  prepareSession,
  type SignedIn,
  signedIn,
  startSession,
} from './session.ts'

type Deps = AuthDeps & { provider: OidcProvider }

/** Begins a sign-in at the provider. Rejects ProviderFailure, TooManyAttempts. */
export const beginOidc =
  (deps: Deps) =>
  async (caller: Caller): Promise<{ authorizationUrl: string; flow: string }> => {
    const { index, limits, attempts } = deps
    const key = index.attempts('oidc begin', index.network(caller.address ?? ''))
    await attempts.take([{ key, limit: limits.perAddress }], deps.now())
    const { url, flow } = await deps.provider.begin()
    return { authorizationUrl: url, flow: await keepFlow(deps.db, flow, deps.now()) }
  }

/** What nobody named themselves is called. */
const nameless = 'New listener'

/** Creates an account without a password. */
const register = async (
  deps: Deps,
  {
    identity,
    email,
    subject,
    session,
  }: {
    identity: OutsideIdentity
    email: string
    subject: Buffer
    session: PreparedSession
  },
): Promise<void> => {
  const { db, streams, personal, index } = deps
  const { userId, at } = session.event
  const displayName = parseDisplayName(identity.name ?? '') ?? nameless
  const sealed = await personal.sealIntroduction(userId, { email, displayName })
  const command: AccountCommand = {
    ...{ type: 'register', userId, at, ...sealed, emailVerified: true, method: 'oidc', formerId: null },
  }
  await overStreams(db, async (trx) => {
    await streams.accounts.execute(trx, {
      stream: accountStream(userId),
      key: userId,
      decide: (state) => {
        const registered = decideAccount(command, state)
        const { issuer } = identity
        return [...registered, { type: 'identity-linked', userId, at, issuer, subject }]
      },
      metadata: session.metadata,
      alongside: async (_, executed) => {
        const [event] = executed.events
        if (event?.type === 'registered')
          await insertAccount(trx, {
            ...{ event, emailHash: index.email(email), sealedName: sealed.displayName },
          })
        await projectAccount(trx, userId, executed)
        await insertIdentity(trx, index.identity(identity.issuer, identity.subject), {
          ...{ userId, issuer: identity.issuer, at },
        })
      },
    })
    await startSession(trx, streams, session)
  })
}

/**
 * Links the identity to the account that has the address. Both sides must have proved it: where the account never did,
 * whoever opened it may have typed another's address and be waiting for its owner, so its password is withdrawn and its
 * sessions are ended.
 */
const link = async (
  { db, streams, index }: Deps,
  {
    identity,
    account,
    subject,
    session,
  }: {
    identity: OutsideIdentity
    account: StoredAccount
    subject: Buffer
    session: PreparedSession
  },
): Promise<void> => {
  const { id: userId, emailVerified } = account
  const { at } = session.event
  const { issuer } = identity
  const reason: PasswordChangeReason = 'withdrawn'
  const commands: readonly AccountCommand[] = [
    ...(emailVerified
      ? []
      : ([
          { type: 'change-password', reason, userId, at },
          { type: 'verify-email', userId, at },
        ] as const)),
    { type: 'link-identity', userId, at, issuer, subject },
  ]
  await overStreams(db, async (trx) => {
    await streams.accounts.execute(trx, {
      stream: accountStream(userId),
      key: userId,
      decide: (state) => commands.flatMap((command) => decideAccount(command, state)),
      metadata: session.metadata,
      alongside: async (_, executed) => {
        await projectAccount(trx, userId, executed)
        await insertIdentity(trx, index.identity(issuer, identity.subject), { userId, issuer, at })
      },
    })
    if (!emailVerified) {
      await deletePasswordHash(trx, userId)
      await endSessions(trx, streams, { userId, reason: 'password-changed', at }, session.metadata)
    }
    await startSession(trx, streams, session)
  })
}

const signInAs = async (deps: Deps, identity: OutsideIdentity, caller: Caller): Promise<SignedIn> => {
  const { db, index, personal } = deps
  const known = await findAccountByIdentity(db, index.identity(identity.issuer, identity.subject))
  const prepare = (userId: string) => prepareSession(deps, { userId, method: 'oidc' }, caller)
  if (known) {
    const session = await prepare(known.id)
    await overStreams(db, async (trx) => {
      if (!(await holdAccount(trx, known.id, undefined))) throw new Rejection('no-such-account')
      await startSession(trx, deps.streams, session)
    })
    return signedIn(deps, known, session.token, session.event.at)
  }

  const email = identity.emailVerified ? parseEmail(identity.email ?? '') : undefined
  if (email === undefined) throw new Rejection('oidc-email-unverified')
  const account = await findAccountByEmail(db, index.email(email))
  const userId = account?.id ?? randomUUID()
  const subject = await personal.sealOne(userId, 'subject', identity.subject)
  const session = await prepare(userId)
  if (account) await link(deps, { identity, account, subject, session })
  else await register(deps, { identity, email, subject, session })
  const linked = await findAccount(db, userId)
  if (!linked) throw new Rejection('no-such-account')
  return signedIn(deps, linked, session.token, session.event.at)
}

/** Somebody else registered the address, or linked the identity, between our look and our writing. */
const wasOvertaken = (error: unknown): boolean =>
  (error instanceof Rejection && error.code === 'email-taken') || isUniqueViolation(error, 'identities_pkey')

/** Whom the provider says that it is. The flow is put back when that can't be learnt. */
const identify = async (
  { db, provider }: Deps,
  { flow: handle, callbackUrl }: { flow: string; callbackUrl: string },
  flow: KeptFlow,
): Promise<OutsideIdentity> => {
  try {
    return await provider.finish(new URL(callbackUrl).search, flow)
  } catch (error) {
    if (error instanceof ProviderFailure) await putFlow(db, handle, flow)
    throw error
  }
}

/**
 * Finishes a sign-in at the provider: signs in to the account that is linked to the identity; links it to the account
 * with the same address, which the provider must vouch for; or creates one. What failed by the provider can be finished
 * again. Rejects Rejection `oidc-unknown`, `oidc-refused`, `oidc-email-unverified`; ProviderFailure, TooManyAttempts.
 */
export const finishOidc =
  (deps: Deps) =>
  (input: { flow: string; callbackUrl: string }, caller: Caller): Promise<SignedIn> =>
    limited(deps, { caller, costs: ['oidc-unknown', 'oidc-refused'] }, async () => {
      const flow = await takeFlow(deps.db, input.flow, deps.now())
      if (!flow) throw new Rejection('oidc-unknown')
      const identity = await identify(deps, input, flow)
      try {
        return await signInAs(deps, identity, caller)
      } catch (error) {
        if (!wasOvertaken(error)) throw error
        return signInAs(deps, identity, caller)
      }
    })
