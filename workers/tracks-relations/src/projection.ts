import { topics } from '@veza/contracts'
import { placeOf, type Projection } from '@veza/kit/projection'
import { type RelationsDatabase, relationsModel } from '@veza/tracks/store'
import { type Kysely, sql } from 'kysely'

const anyErased = async (db: Kysely<RelationsDatabase>, ...people: readonly string[]): Promise<boolean> =>
  (await db.selectFrom('erased').select('user_id').where('user_id', 'in', people).executeTakeFirst()) !==
  undefined

/** What users.events.v1 says of who follows and who blocks whom, as rows that queries of tracks join. */
export const relations: Projection<typeof topics.usersEvents, RelationsDatabase> = {
  ...relationsModel,
  name: 'tracks-relations',
  topics: [topics.usersEvents],
  refuse: (event) =>
    placeOf(event) === undefined ? 'no place in a stream: ce_subject, ce_sequence' : undefined,
  async apply(db, events, schema) {
    // Partitions are taken side by side: whoever ends an account waits for those who may be adding to it, and they for it.
    const ends = events.some(({ type }) => type === 'UserErased')
    const mode = sql.raw(ends ? 'share row exclusive' : 'share')
    await sql`lock table ${sql.id(schema, 'erased')} in ${mode} mode`.execute(db)
    for (const { type, value } of events) {
      switch (type) {
        case 'FollowStarted':
          if (await anyErased(db, value.followerId, value.followeeId)) break
          await db
            .insertInto('follows')
            .values({ follower_id: value.followerId, followee_id: value.followeeId })
            .onConflict((conflict) => conflict.doNothing())
            .execute()
          break
        case 'FollowEnded':
          await db
            .deleteFrom('follows')
            .where('follower_id', '=', value.followerId)
            .where('followee_id', '=', value.followeeId)
            .execute()
          break
        case 'UserBlocked':
          if (await anyErased(db, value.blockerId, value.blockedId)) break
          await db
            .insertInto('blocks')
            .values({ blocker_id: value.blockerId, blocked_id: value.blockedId })
            .onConflict((conflict) => conflict.doNothing())
            .execute()
          break
        case 'UserUnblocked':
          await db
            .deleteFrom('blocks')
            .where('blocker_id', '=', value.blockerId)
            .where('blocked_id', '=', value.blockedId)
            .execute()
          break
        case 'UserErased': {
          const { userId } = value
          await db
            .insertInto('erased')
            .values({ user_id: userId })
            .onConflict((conflict) => conflict.doNothing())
            .execute()
          await db
            .deleteFrom('follows')
            .where((eb) => eb.or([eb('follower_id', '=', userId), eb('followee_id', '=', userId)]))
            .execute()
          await db
            .deleteFrom('blocks')
            .where((eb) => eb.or([eb('blocker_id', '=', userId), eb('blocked_id', '=', userId)]))
            .execute()
          break
        }
        default:
      }
    }
  },
}
