import { type bearer, type BearerEnv, requestMetadata } from '@veza/kit/http'
import { type Caller, type SignedInCaller } from '../commands/deps.ts'
import { Rejection } from '../domain/rejection.ts'
import { answer } from './answer.ts'

/** Of a handler's context, what is asked here. */
type Asked = Parameters<typeof requestMetadata>[0] & {
  readonly req: { header(name: string): string | undefined }
}

/** What is kept of a User-Agent, in characters. */
const longestClient = 200

/** Who asks, as far as the request tells. */
export const callerOf = (c: Asked): Caller => {
  const { address, correlation, traceparent } = requestMetadata(c)
  return { address, correlation, traceparent, client: c.req.header('user-agent')?.slice(0, longestClient) }
}

/** The same behind bearer. */
export const signedInCallerOf = (c: Asked & { readonly var: BearerEnv['Variables'] }): SignedInCaller => {
  const { userId, sessionId } = c.var.identity
  return { ...callerOf(c), userId, sessionId }
}

/**
 * Lets pass whoever's session goes on; behind bearer. An access token outlives its session by minutes, which is too long
 * for what is done to accounts. Otherwise 401 with code `session-ended`.
 */
export const activeSession =
  (isActive: (session: { id: string; userId: string }) => Promise<boolean>): ReturnType<typeof bearer> =>
  async (c, next) => {
    const { sessionId: id, userId } = c.var.identity
    if (!(await isActive({ id, userId }))) await answer(Promise.reject(new Rejection('session-ended')))
    await next()
  }
