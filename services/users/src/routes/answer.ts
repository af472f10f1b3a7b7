import { Problem } from '@veza/kit/http'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'
import { ViewsBehind } from '../queries/views.ts'

const problems: Record<RejectionCode, { status: 400 | 403 | 404 | 409 | 410 | 429; detail: string }> = {
  'user-not-found': { status: 404, detail: 'There is no such person, or you cannot see them' },
  'user-erased': { status: 410, detail: 'Your data was erased' },
  'handle-taken': { status: 409, detail: 'Somebody else has this handle' },
  'not-yourself': { status: 400, detail: 'That takes somebody else' },
  'no-follow-request': { status: 404, detail: 'This person does not ask to follow you' },
  'follows-hidden': { status: 403, detail: 'This person does not show this to you' },
  'erasure-pending': { status: 409, detail: 'You asked to be erased: take that back first' },
  'no-erasure-pending': { status: 409, detail: 'You did not ask to be erased' },
  'sign-in-again': { status: 403, detail: 'Sign in again, and repeat this within the next minutes' },
  'picture-invalid': { status: 400, detail: 'This is no PNG, JPEG or WebP picture of at most 24 megapixels' },
  'export-not-found': { status: 404, detail: 'There is no such export, or it has expired' },
  'export-not-ready': { status: 409, detail: 'The export is still being gathered' },
  'too-many-exports': { status: 429, detail: 'The last export is not old enough' },
}

const toProblem = (error: unknown): unknown => {
  if (error instanceof Rejection) {
    const { status, detail } = problems[error.code]
    return new Problem(status, error.code, detail)
  }
  if (error instanceof ViewsBehind)
    return new Problem(503, 'views-behind', 'What you changed a moment ago is not to be read yet', {
      cause: error,
      headers: { 'retry-after': '1' },
    })
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
