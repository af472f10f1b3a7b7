import { userStream } from '../adapters/streams.ts'
import { readAvatar } from '../adapters/avatars.ts'
import { type Sealing } from '@veza/kit/sealing'
import { type ReadDeps } from './me.ts'

/** All that users itself has about a person, for their export. undefined: nothing is known of them, or all is erased. */
export const readOwnData =
  ({ db, views, streams, sealing }: ReadDeps & { readonly sealing: Sealing }) =>
  async (userId: string): Promise<Record<string, unknown> | undefined> => {
    const { state: user } = await streams.user(userId).load(db, userStream(userId))
    if (user.status === 'unknown' || user.status === 'erased') return undefined
    const events = await streams.store.readStream(db, userStream(userId))
    const picture = user.avatarId === null ? undefined : await readAvatar(db, sealing, user.avatarId, 512)
    const follows = await views
      .selectFrom('follows')
      .select(['follower_id', 'followee_id', 'state', 'since'])
      .where((eb) => eb.or([eb('follower_id', '=', userId), eb('followee_id', '=', userId)]))
      .orderBy('since')
      .execute()
    const blocks = await views
      .selectFrom('blocks')
      .select(['blocked_id as userId', 'since'])
      .where('blocker_id', '=', userId)
      .orderBy('since')
      .execute()
    return {
      id: userId,
      profile: user.profile,
      private: user.privateProfile,
      privacy: user.privacy,
      settings: user.settings,
      createdAt: user.createdAt,
      picture: picture === undefined ? null : `data:image/webp;base64,${picture.toString('base64')}`,
      following: follows
        .filter(({ follower_id }) => follower_id === userId)
        .map(({ followee_id, state, since }) => ({ userId: followee_id, state, since })),
      followers: follows
        .filter(({ followee_id }) => followee_id === userId)
        .map(({ follower_id, state, since }) => ({ userId: follower_id, state, since })),
      blocked: blocks,
      history: events.map(({ type, recordedAt }) => ({ what: type, at: recordedAt })),
    }
  }
