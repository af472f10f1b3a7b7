import { type Hook } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { IdempotencyKeyReused, VersionConflict } from '../events/errors.ts'
import { ObjectsUnavailable } from '../objects/types.ts'
import { Overloaded } from '../cache/gate.ts'
import { isCollision, isUnavailable } from '../postgres/errors.ts'
import { KeyEncryptionUnavailable } from '../sealing/key-encryption.ts'
import { KeysUnavailable } from '../tokens/index.ts'
import { Problem } from './problem.ts'
import { type EdgeEnv } from './types.ts'

const retryAfterSeconds = '2'

const fromException = (error: HTTPException): Problem => {
  if (error.status === 400 && error.message.startsWith('Malformed')) {
    return new Problem(400, 'malformed-json', 'The body is not JSON', { cause: error })
  }
  if (error.status === 415) {
    return new Problem(415, 'unsupported-media-type', 'The body must be application/json', { cause: error })
  }
  return error.status < 500
    ? new Problem(error.status, 'bad-request', undefined, { cause: error })
    : new Problem(500, 'internal', undefined, { cause: error })
}

/** The answer to a thrown error. What is unknown becomes a bare 500. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof HTTPException) return fromException(error)
  if (error instanceof VersionConflict) {
    return new Problem(409, 'version-conflict', 'It was changed meanwhile: read it again, then decide', {
      cause: error,
      extra: { currentVersion: error.currentVersion },
    })
  }
  if (error instanceof IdempotencyKeyReused) {
    return new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request', {
      cause: error,
    })
  }
  if (
    isUnavailable(error) ||
    isCollision(error) ||
    error instanceof KeysUnavailable ||
    error instanceof KeyEncryptionUnavailable ||
    error instanceof ObjectsUnavailable ||
    error instanceof Overloaded
  ) {
    return new Problem(503, 'unavailable', 'Try again in a moment', {
      cause: error,
      headers: { 'retry-after': retryAfterSeconds },
    })
  }
  return new Problem(500, 'internal', 'Something went wrong on our side', { cause: error })
}

/** Turns what zod found wrong into one problem that lists every finding. */
export const validationHook: Hook<unknown, EdgeEnv, string, undefined> = (result) => {
  if (result.success) return undefined
  throw new Problem(400, 'invalid-request', `The request's ${result.target} is not right`, {
    extra: {
      errors: result.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
    },
  })
}
