import { Rejection } from '../domain/rejection.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { type ChangedUser, onUser } from './on-user.ts'

/** How erasing goes. Milliseconds. */
export interface ErasureRules {
  /** How long it may be taken back; 0 = it is done at once. */
  readonly graceMs: number
  /** How long ago the sign-in of the session may be. */
  readonly signInWithinMs: number
}

/** Asks to be forgotten. Throws Rejection, `sign-in-again` when the session's sign-in is too long ago. */
export const requestErasure =
  (deps: CommandDeps, { graceMs, signInWithinMs }: ErasureRules) =>
  async (caller: Caller): Promise<ChangedUser> => {
    const since = caller.signedInAt === undefined ? 0 : caller.signedInAt * 1000
    if (deps.now().getTime() - since > signInWithinMs) throw new Rejection('sign-in-again')
    return onUser(deps)(caller, [{ type: 'request-erasure', graceMs }])
  }
