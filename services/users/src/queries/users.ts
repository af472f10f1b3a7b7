import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, sql } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'
import { type Summary } from './summaries.ts'
import { type UserCaches } from './user-caches.ts'

interface Between extends Readonly<Record<string, unknown>> {
  readonly viewerId: string
  readonly userIds: readonly string[]
}

/** Whoever of these people blocks the viewer, or is blocked by them. */
const preparePartedBy = (views: Kysely<ViewsDatabase>, prepare: Prepare) =>
  prepare('users-parted', ({ viewerId, userIds }: Between) => {
    const among = (column: string) => sql<boolean>`${sql.ref(column)} = any(${userIds}::uuid[])`
    return views
      .selectFrom('blocks')
      .select('blocked_id as userId')
      .where('blocker_id', '=', viewerId)
      .where(among('blocked_id'))
      .unionAll(
        views
          .selectFrom('blocks')
          .select('blocker_id as userId')
          .where('blocked_id', '=', viewerId)
          .where(among('blocker_id')),
      )
  })

/**
 * Of these people those who are there and whom no block parts from the viewer, in the order of their ids. Their profiles are
 * the cache's, what it lacks one query's; blocks are as the views have them.
 */
export const readUsers = ({
  profiles,
  views,
  prepare,
}: Pick<UserCaches, 'profiles'> & { readonly views: Kysely<ViewsDatabase>; readonly prepare: Prepare }) => {
  const partedBy = preparePartedBy(views, prepare)
  return async (userIds: readonly string[], viewerId: string): Promise<Summary[]> => {
    const [found, parted] = await Promise.all([
      Promise.all(userIds.map((userId) => profiles.read(userId))),
      partedBy({ viewerId, userIds }),
    ])
    const hidden = new Set(parted.map(({ userId }) => userId))
    return found.flatMap(({ value }) => (value === undefined || hidden.has(value.userId) ? [] : [value]))
  }
}
