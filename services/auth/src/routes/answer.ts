import { Problem } from '@veza/kit/http'
import { SubjectErased } from '@veza/kit/sealing'
import { TooManyAttempts } from '../adapters/attempt-limits.ts'
import { ProviderFailure } from '../adapters/oidc-provider.ts'
import { HasherBusy } from '../adapters/password-hasher.ts'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'

const problems: Record<RejectionCode, { status: 400 | 401 | 403 | 404 | 409; detail: string }> = {
  'email-taken': { status: 409, detail: 'There is an account with this e-mail address' },
  'invalid-credentials': { status: 401, detail: 'The e-mail address or the password is wrong' },
  'invalid-refresh-token': { status: 401, detail: 'The refresh token is not valid or its session has ended' },
  'refresh-token-reused': {
    status: 401,
    detail: 'The refresh token was exchanged before. Its session has been ended: sign in again',
  },
  'invalid-token': { status: 400, detail: 'The link is not valid, has expired, or was used' },
  'password-guessable': {
    status: 400,
    detail: 'The password is among those that were leaked, or made of one, or of your own name or address',
  },
  'session-ended': { status: 401, detail: 'The session has ended: sign in again' },
  'no-such-session': { status: 404, detail: 'You have no such session' },
  'no-such-account': { status: 404, detail: 'There is no such account' },
  'no-such-dead-letter': { status: 404, detail: 'There is no such dead letter, or its time there is over' },
  'already-redriven': { status: 409, detail: 'The dead letter was redriven before' },
  'oidc-unknown': { status: 400, detail: 'No sign-in with the provider is under way: begin anew' },
  'oidc-refused': { status: 401, detail: 'The provider did not confirm who you are' },
  'oidc-email-unverified': {
    status: 403,
    detail: 'The provider does not vouch for your e-mail address: verify it there first',
  },
}

const toProblem = (error: unknown): unknown => {
  if (error instanceof Rejection) {
    const { status, detail } = problems[error.code]
    return new Problem(status, error.code, detail)
  }
  if (error instanceof HasherBusy)
    return new Problem(503, 'busy', 'Too many people are signing in at this moment', {
      headers: { 'retry-after': '1' },
    })
  if (error instanceof TooManyAttempts)
    return new Problem(429, 'too-many-attempts', 'There were too many attempts: wait a while', {
      headers: { 'retry-after': String(error.retryAfter) },
    })
  if (error instanceof ProviderFailure)
    return error.code === 'unavailable'
      ? new Problem(503, 'unavailable', 'The provider does not answer: try again in a moment', {
          cause: error,
          headers: { 'retry-after': '5' },
        })
      : new Problem(502, 'oidc-provider-invalid', 'The provider does not answer as it has to', {
          cause: error,
        })
  // Erased between our look and our sealing.
  if (error instanceof SubjectErased) return toProblem(new Rejection('no-such-account'))
  return error
}

/** Waits for a command or query; its refusals become problems. The only place where that is done. */
export const answer = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw toProblem(error)
  }
}
