import { type Executed } from '@veza/kit/events'
import { pairStream, userStream } from '../adapters/streams.ts'
import { decidePair, type Pair, type PairCommand, type PairEvent, pairOf } from '../domain/pair.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { metadataOf, onUser } from './on-user.ts'

export type Relation = 'follow' | 'unfollow' | 'accept' | 'remove-follower' | 'block' | 'unblock'

/** What ends something needs nobody to be there. */
const needsOther: ReadonlySet<Relation> = new Set(['follow', 'accept', 'block'])

/** Changes what is between the caller and another person. Throws Rejection. */
export const relate =
  (deps: CommandDeps) =>
  async (caller: Caller, otherId: string, type: Relation): Promise<Executed<Pair, PairEvent>> => {
    const { db, streams, now } = deps
    const { userId: actorId } = caller
    const at = now()
    if (actorId === otherId) throw new Rejection('not-yourself')
    const standingOf = async (userId: string) => (await streams.standing.load(db, userStream(userId))).state
    const [actor, other] = await Promise.all([standingOf(actorId), standingOf(otherId)])
    // The first that is heard of them: their profile comes to be, or it is said why they can't do this.
    if (actor.status !== 'active') await onUser(deps)({ ...caller, idempotencyKey: undefined }, [touch])
    if (needsOther.has(type) && (other.status === 'unknown' || other.status === 'erased'))
      throw new Rejection('user-not-found')
    const between = { actorId, otherId }
    const command: PairCommand =
      type === 'follow'
        ? { type, needsApproval: other.privacy.approveFollowers, ...between }
        : { type, ...between }
    return streams.pairs.execute(db, {
      stream: pairStream(actorId, otherId),
      // One of the two: what is between them has to keep its order.
      key: pairOf(actorId, otherId)[0],
      decide: (pair) => decidePair(command, pair, at),
      attempts: 4,
      metadata: await metadataOf(deps, caller),
      idempotencyKey: caller.idempotencyKey,
    })
  }

/** Changes nothing, but only an active person may do it. */
const touch = { type: 'change-privacy', privacy: {} } as const
