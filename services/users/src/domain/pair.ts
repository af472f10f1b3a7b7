import { Rejection } from './rejection.ts'

/** Where one person's following of another is. */
export type Follow = 'none' | 'requested' | 'following'

/** What is between one person and another, seen from the one. */
export interface Side {
  readonly follow: Follow
  readonly blocks: boolean
}

/**
 * What is between two people, both ways: one thing, since a block ends what either of them had with the other. By id of
 * the person whose side it is.
 */
export type Pair = Readonly<Record<string, Side | undefined>>

export type EndReason = 'unfollowed' | 'withdrawn' | 'removed' | 'declined' | 'blocked'

interface Between {
  readonly actorId: string
  readonly otherId: string
}

export type PairCommand =
  /** `needsApproval`: the other accepts followers one by one. */
  | ({ type: 'follow'; needsApproval: boolean } & Between)
  | ({ type: 'unfollow' } & Between)
  /** The other's request to follow the actor. */
  | ({ type: 'accept' } & Between)
  /** The other's request, or their following, is not wanted. */
  | ({ type: 'remove-follower' } & Between)
  | ({ type: 'block' } & Between)
  | ({ type: 'unblock' } & Between)

export type PairEvent =
  | { type: 'follow-requested'; followerId: string; followeeId: string; at: Date }
  | { type: 'follow-started'; followerId: string; followeeId: string; at: Date }
  | { type: 'follow-ended'; followerId: string; followeeId: string; reason: EndReason; at: Date }
  | { type: 'blocked'; blockerId: string; blockedId: string; at: Date }
  | { type: 'unblocked'; blockerId: string; blockedId: string; at: Date }

/** Two people who have nothing to do with each other. */
export const strangers: Pair = {}

const nothing: Side = { follow: 'none', blocks: false }

/** One person's side of it. */
export const sideOf = (pair: Pair, userId: string): Side => pair[userId] ?? nothing

/** Which of two people comes first: both ways it is the same pair. */
export const pairOf = (one: string, other: string): readonly [string, string] =>
  one < other ? [one, other] : [other, one]

const ended = (
  pair: Pair,
  followerId: string,
  followeeId: string,
  reason: EndReason,
  at: Date,
): PairEvent[] =>
  sideOf(pair, followerId).follow === 'none'
    ? []
    : [{ type: 'follow-ended', followerId, followeeId, reason, at }]

/** Pure. No event: nothing to do, it is already as the command wants it. */
export const decidePair = (command: PairCommand, pair: Pair, at: Date): PairEvent[] => {
  const { actorId, otherId } = command
  if (actorId === otherId) throw new Rejection('not-yourself')
  const [mine, theirs] = [sideOf(pair, actorId), sideOf(pair, otherId)]
  switch (command.type) {
    case 'follow': {
      // To whom is blocked the other is not there. Whoever blocks has to take that back first, and is told the same.
      if (mine.blocks || theirs.blocks) throw new Rejection('user-not-found')
      if (mine.follow !== 'none') return []
      const type = command.needsApproval ? 'follow-requested' : 'follow-started'
      return [{ type, followerId: actorId, followeeId: otherId, at }]
    }
    case 'unfollow':
      return ended(pair, actorId, otherId, mine.follow === 'requested' ? 'withdrawn' : 'unfollowed', at)
    case 'accept':
      if (theirs.follow === 'none') throw new Rejection('no-follow-request')
      return theirs.follow === 'following'
        ? []
        : [{ type: 'follow-started', followerId: otherId, followeeId: actorId, at }]
    case 'remove-follower':
      return ended(pair, otherId, actorId, theirs.follow === 'requested' ? 'declined' : 'removed', at)
    case 'block':
      return mine.blocks
        ? []
        : [
            ...ended(pair, actorId, otherId, 'blocked', at),
            ...ended(pair, otherId, actorId, 'blocked', at),
            { type: 'blocked', blockerId: actorId, blockedId: otherId, at },
          ]
    case 'unblock':
      return mine.blocks ? [{ type: 'unblocked', blockerId: actorId, blockedId: otherId, at }] : []
    default:
      return command satisfies never
  }
}

const withSide = (pair: Pair, userId: string, change: Partial<Side>): Pair => ({
  ...pair,
  [userId]: { ...sideOf(pair, userId), ...change },
})

/** Pure. */
export const evolvePair = (pair: Pair, event: PairEvent): Pair => {
  switch (event.type) {
    case 'follow-requested':
      return withSide(pair, event.followerId, { follow: 'requested' })
    case 'follow-started':
      return withSide(pair, event.followerId, { follow: 'following' })
    case 'follow-ended':
      return withSide(pair, event.followerId, { follow: 'none' })
    case 'blocked':
      return withSide(pair, event.blockerId, { blocks: true })
    case 'unblocked':
      return withSide(pair, event.blockerId, { blocks: false })
    default:
      return event satisfies never
  }
}

/** The two people whom an event is about. */
export const peopleOf = (event: PairEvent): readonly [string, string] =>
  'followerId' in event
    ? pairOf(event.followerId, event.followeeId)
    : pairOf(event.blockerId, event.blockedId)
