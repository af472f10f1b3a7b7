import { type Counted } from '../adapters/attempt-limits.ts'
import { Rejection, type RejectionCode } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'

/** The count of all that fails from the caller's network. */
export const ofNetwork = (
  { index, limits }: Pick<AuthDeps, 'index' | 'limits'>,
  caller: Caller,
): Counted => ({
  // Callers of no known address (a proxy that hides it) share one.
  key: index.attempts('network', index.network(caller.address ?? '')),
  limit: limits.perAddress,
})

/**
 * Makes an attempt within the limit of the caller's network, and within others where they are given. It is charged when it
 * ends in a rejection that `costs`: what succeeds, or could not be tried at all, costs nothing. Rejects TooManyAttempts.
 */
export const limited = async <T>(
  deps: Pick<AuthDeps, 'attempts' | 'index' | 'limits' | 'now'>,
  {
    caller,
    costs,
    more = [],
  }: { caller: Caller; costs: readonly RejectionCode[]; more?: readonly Counted[] },
  attempt: () => Promise<T>,
): Promise<T> => {
  const counted = [ofNetwork(deps, caller), ...more]
  await deps.attempts.check(counted, deps.now())
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof Rejection && costs.includes(error.code))
      await deps.attempts.charge(counted, deps.now())
    throw error
  }
}
