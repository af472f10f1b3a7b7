import {
  findSignIn,
  holdAccount,
  replacePasswordHash,
  type SignInAccount,
} from '../adapters/account-store.ts'
import { type Counted } from '../adapters/attempt-limits.ts'
import { type Hashing } from '../adapters/password-hasher.ts'
import { overStreams } from '../adapters/streams.ts'
import { normalisePassword, parseEmail } from '../domain/credentials.ts'
import { isCurrentHash } from '../domain/password-hash.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { limited } from './limited.ts'
import { prepareSession, type SignedIn, signedIn, startSession } from './session.ts'

/**
 * Whose attempts a sign-in counts among. Those from networks that the person signed in from lately are counted apart, so
 * that a stranger who guesses at an account doesn't keep its owner out.
 */
const countedWith = (
  { index, limits }: AuthDeps,
  { account, emailHash, network }: { account: SignInAccount | undefined; emailHash: Buffer; network: Buffer },
): Counted => ({
  key: account?.isKnownNetwork
    ? index.attempts('account and network', emailHash, network)
    : index.attempts('account', emailHash),
  limit: limits.perAccount,
})

/**
 * Holds the password against what was hashed: ours in normal form, one from a former platform as it came from the
 * keyboard. Answers the hash of an account whose password it is; one that is not as we would make it today was made anew.
 */
const verifiedHash = async (
  deps: AuthDeps,
  hashing: Hashing,
  { account, emailHash }: { account: SignInAccount | undefined; emailHash: Buffer },
  password: string,
): Promise<string | undefined> => {
  const own = account?.passwordHash
  const hash = own ?? deps.decoyHash(emailHash)
  const isForeign = hash !== undefined && !isCurrentHash(hash)
  const matches = await hashing.verify(isForeign ? password : normalisePassword(password), hash)
  if (!account || own === undefined || !matches) return undefined
  if (!isForeign) return own
  const to = await hashing.hash(normalisePassword(password))
  await replacePasswordHash(deps.db, account.id, { from: own, to })
  return to
}

/**
 * Signs in. An address that nobody has, or that is none, costs what a wrong password costs: neither the answer nor its
 * timing tells who has an account. Rejects Rejection `invalid-credentials`, HasherBusy, TooManyAttempts.
 */
export const login =
  (deps: AuthDeps) =>
  (input: { email: string; password: string }, caller: Caller): Promise<SignedIn> =>
    deps.passwords.admit(async (hashing) => {
      const { db, index } = deps
      const emailHash = index.email(parseEmail(input.email) ?? '')
      const network = index.network(caller.address ?? '')
      const account = await findSignIn(db, { emailHash, network, now: deps.now() })
      const more = [countedWith(deps, { account, emailHash, network })]

      return limited(deps, { caller, costs: ['invalid-credentials'], more }, async () => {
        const hash = await verifiedHash(deps, hashing, { account, emailHash }, input.password)
        if (!account || hash === undefined) throw new Rejection('invalid-credentials')
        const session = await prepareSession(deps, { userId: account.id, method: 'password' }, caller)
        await overStreams(db, async (trx) => {
          // Changed or erased while we hashed: whoever did that has ended all sessions, and this is to be none more.
          if (!(await holdAccount(trx, account.id, hash))) throw new Rejection('invalid-credentials')
          await startSession(trx, deps.streams, session)
        })
        return signedIn(deps, account, session.token, session.event.at)
      })
    })
