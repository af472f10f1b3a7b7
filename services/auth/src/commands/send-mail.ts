import { findAccountByEmail } from '../adapters/account-store.ts'
import { deleteMailRequest, type MailRequest, takeMailRequests } from '../adapters/mail-requests.ts'
import { type Mailer } from '../adapters/mailer.ts'
import { issueOneTimeToken } from '../adapters/one-time-tokens.ts'
import { writeLetter } from '../domain/letters.ts'
import { type AuthDeps } from './deps.ts'

const atOnce = 10
/** The last one is made eight hours after the first. */
const maxAttempts = 10

/**
 * Sends the letters that are due. A letter is sent at least once: each attempt has a token of its own, made when it is
 * sent and stored as a hash, so that no queue holds one. Answers how many letters were due.
 */
export const sendMail =
  (deps: Pick<AuthDeps, 'db' | 'personal' | 'now' | 'log'> & { mailer: Mailer; appUrl: string }) =>
  async (): Promise<number> => {
    const { db, personal, log } = deps

    const send = async ({ kind, emailHash }: MailRequest): Promise<void> => {
      const account = await findAccountByEmail(db, emailHash)
      if (!account) return
      const [to] = await personal.open([{ userId: account.id, field: 'email', sealed: account.email }])
      if (typeof to !== 'string') return
      const token =
        kind === 'password-changed'
          ? undefined
          : await issueOneTimeToken(db, { accountId: account.id, purpose: kind }, deps.now())
      await deps.mailer.send({ to, ...writeLetter(kind, { appUrl: deps.appUrl, token }) })
    }

    const requests = await takeMailRequests(db, atOnce, deps.now())
    for (const request of requests) {
      try {
        await send(request)
      } catch (error) {
        const { id, kind, attempts } = request
        log.warn({ err: error, id, kind, attempts }, 'could not send a letter')
        if (attempts < maxAttempts) continue
        log.error({ id, kind }, 'gave up a letter')
      }
      await deleteMailRequest(db, request.id)
    }
    return requests.length
  }
