import { inPages, jsonOf, type PersonalParts } from '@veza/kit/personal-data'
import { type Sealing } from '@veza/kit/sealing'
import { readAvatar } from '../adapters/avatars.ts'
import { userStream } from '../adapters/streams.ts'
import { type ReadDeps } from './me.ts'

const pageSize = 1_000

/** Who is at the other end of something between two people, since when. */
interface Other {
  readonly userId: string
  readonly since: Date
}

/** All that users itself has about a person, for their export. undefined: nothing is known of them, or all is erased. */
const readOwnData =
  ({ db, views, streams, sealing }: Omit<ReadDeps, 'prepare'> & { readonly sealing: Sealing }) =>
  async (userId: string): Promise<PersonalParts | undefined> => {
    const { state: user } = await streams.user(userId).load(db, userStream(userId))
    if (user.status === 'unknown' || user.status === 'erased') return undefined
    const picture = user.avatarId === null ? undefined : await readAvatar(db, sealing, user.avatarId, 512)

    const follows = (mine: 'follower_id' | 'followee_id', others: 'followee_id' | 'follower_id') =>
      inPages((after?: Other & { state: string }) =>
        views
          .selectFrom('follows')
          .select([`${others} as userId`, 'state', 'since'])
          .where(mine, '=', userId)
          .$if(after !== undefined, (query) => query.where(others, '>', after?.userId ?? ''))
          .orderBy(others)
          .limit(pageSize)
          .execute(),
      )
    const blocked = inPages((after?: Other) =>
      views
        .selectFrom('blocks')
        .select(['blocked_id as userId', 'since'])
        .where('blocker_id', '=', userId)
        .$if(after !== undefined, (query) => query.where('blocked_id', '>', after?.userId ?? ''))
        .orderBy('blocked_id')
        .limit(pageSize)
        .execute(),
    )
    const history = inPages(async (after?: { version: number }) => {
      const options = { after: after?.version ?? 0, limit: pageSize }
      const events = await streams.store.readStream(db, userStream(userId), options)
      return events.map(({ version, type, recordedAt }) => ({ version, what: type, at: recordedAt }))
    })
    const copies = await db
      .selectFrom('exports')
      .select(['export_id as id', 'state', 'requested_at as requestedAt'])
      .where('user_id', '=', userId)
      .orderBy('requested_at')
      .execute()
    return {
      id: userId,
      profile: user.profile,
      private: user.privateProfile,
      privacy: user.privacy,
      settings: user.settings,
      createdAt: user.createdAt,
      picture: picture === undefined ? null : `data:image/webp;base64,${picture.toString('base64')}`,
      following: follows('follower_id', 'followee_id'),
      followers: follows('followee_id', 'follower_id'),
      blocked,
      exports: copies,
      history,
    }
  }

/** Users' own part of an export. */
export const ownSource = (deps: Parameters<typeof readOwnData>[0]) => ({
  name: 'users',
  async read(userId: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const parts = await readOwnData(deps)(userId)
    return parts && jsonOf(parts)
  },
})
