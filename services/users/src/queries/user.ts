import { type Follow } from '../domain/pair.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Between, type Counts, pairId, type PublicProfile, type UserCaches } from './user-caches.ts'
import { whenCaughtUp } from './views.ts'

/** What is between the one who looks and the one who is looked at. */
export interface Relationship {
  /** Of the viewer to the person. */
  readonly following: Follow
  /** Of the person to the viewer. */
  readonly followedBy: Follow
}

/** A person as others see them. */
export interface UserView extends PublicProfile, Counts {}

/** undefined: nothing ever was between them. */
const readBetween = (
  pairs: UserCaches['pairs'],
  id: string,
  viewerId: string,
): Promise<Between | undefined> =>
  whenCaughtUp(async () => {
    const { value } = await pairs.read(id)
    return value?.unseen[viewerId] === true ? undefined : { found: value }
  }).then(({ found }) => found)

/**
 * A person, and what is between them and the viewer: at least as new as the viewer's own last command on it in this process.
 * What the other one did is there as soon as the views have it and the process is told. Throws Rejection `user-not-found`,
 * also when one of the two blocks the other; rejects ViewsBehind.
 */
export const readUser =
  ({ profiles, pairs, counts }: UserCaches) =>
  async (
    userId: string,
    viewerId: string,
  ): Promise<{ user: UserView; relationship: Relationship | undefined }> => {
    const isOther = userId !== viewerId
    // First what is between them: where that was waited for, the views have seen whatever came before it.
    const between = isOther ? await readBetween(pairs, pairId(userId, viewerId), viewerId) : undefined
    const [{ value: profile }, { value: counted = { followers: 0, following: 0 } }] = await Promise.all([
      profiles.read(userId),
      counts.read(userId),
    ])
    if (profile === undefined || between?.blocked === true) throw new Rejection('user-not-found')
    const user = { ...profile, ...counted }
    if (!isOther) return { user, relationship: undefined }
    const followOf = (id: string): Follow => between?.follows[id] ?? 'none'
    return { user, relationship: { following: followOf(viewerId), followedBy: followOf(userId) } }
  }
