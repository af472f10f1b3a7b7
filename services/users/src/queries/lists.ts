import { type Kysely, sql } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { presentProfiles, type Summary, summaryColumns } from './summaries.ts'
import { notBlocked } from './views.ts'

/** A place in a list that runs from the youngest to the oldest. */
export interface Place {
  readonly since: Date
  readonly userId: string
}

export interface Page {
  readonly after: Place | undefined
  readonly limit: number
}

/** A person in a list, and since when. */
export type Listed = Summary & { readonly since: Date }

type Views = Kysely<ViewsDatabase>
type Side = 'follower_id' | 'followee_id'

/** People at the `show` side of follows whose other side is `userId`, the youngest follow first. */
const listFollows = (
  views: Views,
  o: { show: Side; of: Side; userId: string; state: 'requested' | 'following'; viewerId: string },
  { after, limit }: Page,
): Promise<Listed[]> =>
  presentProfiles(views)
    .innerJoin('follows', `follows.${o.show}`, 'profiles.user_id')
    .select([...summaryColumns, 'follows.since'])
    .where(`follows.${o.of}`, '=', o.userId)
    .where('follows.state', '=', o.state)
    .where(notBlocked(views, o.viewerId, 'profiles.user_id'))
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(${sql.ref('follows.since')}, ${sql.ref(`follows.${o.show}`)}) < (${after?.since}, ${after?.userId})`,
      ),
    )
    .orderBy('follows.since', 'desc')
    .orderBy(`follows.${o.show}`, 'desc')
    .limit(limit)
    .execute()

/** Throws Rejection when the viewer may not see whom the person follows and is followed by. */
const mayList = async (views: Views, userId: string, viewerId: string): Promise<void> => {
  const person = await presentProfiles(views)
    .select('follows_visible_to')
    .where('profiles.user_id', '=', userId)
    .where(notBlocked(views, viewerId, 'profiles.user_id'))
    .executeTakeFirst()
  if (person === undefined) throw new Rejection('user-not-found')
  const { follows_visible_to: followsVisibleTo } = person
  if (userId === viewerId || followsVisibleTo === 'everyone') return
  const following =
    followsVisibleTo === 'nobody'
      ? undefined
      : await views
          .selectFrom('follows')
          .select('since')
          .where('follower_id', '=', viewerId)
          .where('followee_id', '=', userId)
          .where('state', '=', 'following')
          .executeTakeFirst()
  if (following === undefined) throw new Rejection('follows-hidden')
}

/** Who follows a person. Throws Rejection. */
export const listFollowers =
  (views: Views) =>
  async (userId: string, viewerId: string, page: Page): Promise<Listed[]> => {
    await mayList(views, userId, viewerId)
    const list = { show: 'follower_id', of: 'followee_id', state: 'following' } as const
    return listFollows(views, { ...list, userId, viewerId }, page)
  }

/** Whom a person follows. Throws Rejection. */
export const listFollowing =
  (views: Views) =>
  async (userId: string, viewerId: string, page: Page): Promise<Listed[]> => {
    await mayList(views, userId, viewerId)
    const list = { show: 'followee_id', of: 'follower_id', state: 'following' } as const
    return listFollows(views, { ...list, userId, viewerId }, page)
  }

/** Who would like to follow the caller. */
export const listRequests =
  (views: Views) =>
  (userId: string, page: Page): Promise<Listed[]> => {
    const list = { show: 'follower_id', of: 'followee_id', state: 'requested' } as const
    return listFollows(views, { ...list, userId, viewerId: userId }, page)
  }

/** Whom the caller blocks, the youngest block first. */
export const listBlocked =
  (views: Views) =>
  (userId: string, { after, limit }: Page): Promise<Listed[]> =>
    presentProfiles(views)
      .innerJoin('blocks', 'blocks.blocked_id', 'profiles.user_id')
      .select([...summaryColumns, 'blocks.since'])
      .where('blocks.blocker_id', '=', userId)
      .$if(after !== undefined, (query) =>
        query.where(
          sql<boolean>`(${sql.ref('blocks.since')}, ${sql.ref('blocks.blocked_id')}) < (${after?.since}, ${after?.userId})`,
        ),
      )
      .orderBy('blocks.since', 'desc')
      .orderBy('blocks.blocked_id', 'desc')
      .limit(limit)
      .execute()
