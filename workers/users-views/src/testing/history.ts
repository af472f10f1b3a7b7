import { randomUUID } from 'node:crypto'
import { type UsersRecord, type UsersStore } from '@veza/users/store'

/** When it all happened, epoch milliseconds. */
export const at = 1_795_391_116_555
/** What somebody is called, sealed. */
export const profileOf = (store: UsersStore, userId: string, displayName: string) =>
  store.personal.seal(userId, 'profile', { displayName, handle: null, bio: '', location: '', links: [] })

/** A record, and where it stands. */
export interface Placed {
  readonly record: UsersRecord
  readonly stream: string
  readonly version: number
  readonly key: string
}

/** A history of people who sign up, rename, follow, block and go: per key in order. */
export const history = async (store: UsersStore): Promise<Placed[]> => {
  const people = Array.from({ length: 8 }, () => randomUUID()).sort()
  const placed: Placed[] = []
  const versions = new Map<string, number>()
  const add = (stream: string, key: string, record: UsersRecord) => {
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    placed.push({ record, stream, version, key })
  }
  for (const [n, userId] of people.entries()) {
    const value = { userId, profile: await profileOf(store, userId, `P${n}`) }
    add(userId, userId, { type: 'ProfileCreated', value: { ...value, createdAt: at + n } })
  }
  people.forEach((followerId, n) => {
    people.forEach((followeeId, m) => {
      if (n === m || (n + m) % 3 === 0) return
      const [low, high] = followerId < followeeId ? [followerId, followeeId] : [followeeId, followerId]
      const stream = `${low}.${high}`
      const ids = { followerId, followeeId }
      add(stream, low, { type: 'FollowStarted', value: { ...ids, startedAt: at + n * 10 + m } })
      if ((n + m) % 5 === 0)
        add(stream, low, { type: 'FollowEnded', value: { ...ids, reason: 'unfollowed', endedAt: at + 500 } })
      if ((n + m) % 7 === 0)
        add(stream, low, {
          type: 'UserBlocked',
          value: { blockerId: followerId, blockedId: followeeId, blockedAt: at + 600 },
        })
    })
  })
  const [gone = ''] = people.slice(3)
  add(gone, gone, { type: 'UserErased', value: { userId: gone, erasedAt: at + 900 } })
  return placed
}

/** All that views say, in one order. */
export const rowsOf = async (store: UsersStore, schema: string) => {
  const db = store.db.withSchema(schema) as unknown as UsersStore['views']
  const [profiles, pairs, follows, blocks, counts] = await Promise.all([
    db.selectFrom('profiles').selectAll().orderBy('user_id').execute(),
    db.selectFrom('pairs').selectAll().orderBy('low_id').orderBy('high_id').execute(),
    db.selectFrom('follows').selectAll().orderBy('follower_id').orderBy('followee_id').execute(),
    db.selectFrom('blocks').selectAll().orderBy('blocker_id').orderBy('blocked_id').execute(),
    db.selectFrom('follow_counts').selectAll().where('followers', '<>', 0).orderBy('user_id').execute(),
  ])
  return { profiles, pairs, follows, blocks, counts }
}
