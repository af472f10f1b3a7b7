import { randomUUID } from 'node:crypto'
import { findAccountByEmail, insertAccount, setPasswordHash } from '../adapters/account-store.ts'
import { requestMail } from '../adapters/mail-requests.ts'
import { accountStream, overStreams } from '../adapters/streams.ts'
import { decideAccount } from '../domain/account.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'
import { limited } from './limited.ts'
import { prepareSession, type SignedIn, signedIn, startSession } from './session.ts'

/**
 * Creates an account and signs it in, both or neither, and wants a letter that verifies the address. The fields are in
 * their parsed form (domain/credentials.ts). Rejects Rejection `email-taken`, `password-guessable`; HasherBusy;
 * TooManyAttempts, since whoever learns that addresses are taken learns who has an account.
 */
export const registerAccount =
  (deps: AuthDeps) =>
  (input: { email: string; password: string; displayName: string }, caller: Caller): Promise<SignedIn> =>
    deps.passwords.admit(async (hashing) => {
      const { db, streams, personal, index } = deps
      if (deps.isGuessable(input.password, [input.email, input.displayName]))
        throw new Rejection('password-guessable')
      const emailHash = index.email(input.email)

      return limited(deps, { caller, costs: ['email-taken'] }, async () => {
        const passwordHash = await hashing.hash(input.password)
        // Before anything is sealed: a data key of nobody would be left. The constraint decides.
        if (await findAccountByEmail(db, emailHash)) throw new Rejection('email-taken')
        const userId = randomUUID()
        const sealed = await personal.sealIntroduction(userId, input)
        const session = await prepareSession(deps, { userId, method: 'registration' }, caller)
        const at = session.event.at
        const account = {
          id: userId,
          ...sealed,
          emailHash,
          emailVerified: false,
          roles: [],
          version: 1,
        }

        await overStreams(db, async (trx) => {
          await streams.accounts.execute(trx, {
            stream: accountStream(userId),
            key: userId,
            decide: (state) =>
              decideAccount(
                {
                  ...{ type: 'register', userId, at, ...sealed },
                  ...{ emailVerified: false, method: 'password', formerId: null },
                },
                state,
              ),
            metadata: session.metadata,
            alongside: async (_, { events: [event] }) => {
              if (event?.type === 'registered')
                await insertAccount(trx, { event, emailHash, sealedName: sealed.displayName })
              await setPasswordHash(trx, userId, passwordHash)
            },
          })
          await startSession(trx, streams, session)
          await requestMail(trx, { kind: 'verify-email', emailHash }, at)
        })
        deps.mailWanted()
        return signedIn(deps, account, session.token, at)
      })
    })
