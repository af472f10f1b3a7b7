import { currentVersionOf, lastVersionBy } from '@veza/kit/events'
import { type Kysely, sql } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'
import { pairStream } from '../adapters/streams.ts'
import { type Follow, pairOf } from '../domain/pair.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Link, type Privacy } from '../domain/user.ts'
import { type ReadDeps } from './me.ts'
import { presentProfiles, type Summary, summaryColumns } from './summaries.ts'
import { notBlocked, seenOfPair, whenCaughtUp } from './views.ts'

/** What is between the one who looks and the one who is looked at. */
export interface Relationship {
  /** Of the viewer to the person. */
  readonly following: Follow
  /** Of the person to the viewer. */
  readonly followedBy: Follow
}

const strangers: Relationship = { following: 'none', followedBy: 'none' }

/** A person as others see them. */
export interface UserView extends Summary {
  readonly bio: string
  readonly location: string
  readonly links: readonly Link[]
  readonly approveFollowers: boolean
  readonly followsVisibleTo: Privacy['followsVisibleTo']
  readonly followers: number
  readonly following: number
  readonly createdAt: Date | null
}

const selectUser = (views: Kysely<ViewsDatabase>, userId: string, viewerId: string) =>
  presentProfiles(views)
    .leftJoin('follow_counts', 'follow_counts.user_id', 'profiles.user_id')
    .select([
      ...summaryColumns,
      'bio',
      'location',
      'links',
      'approve_followers as approveFollowers',
      'follows_visible_to as followsVisibleTo',
      'followers',
      'following',
      'created_at as createdAt',
    ])
    .where('profiles.user_id', '=', userId)
    .where(notBlocked(views, viewerId, 'profiles.user_id'))

type Row = Omit<UserView, 'followers' | 'following'> & {
  readonly followers: number | null
  readonly following: number | null
}

const ofRow = (row: Row | undefined): UserView => {
  if (row === undefined) throw new Rejection('user-not-found')
  return { ...row, followers: row.followers ?? 0, following: row.following ?? 0 }
}

/** Throws Rejection `user-not-found`, also when one of the two blocks the other. */
export const findUser = async (
  views: Kysely<ViewsDatabase>,
  userId: string,
  viewerId: string,
): Promise<UserView> => ofRow(await selectUser(views, userId, viewerId).executeTakeFirst())

const followsBetween = (views: Kysely<ViewsDatabase>, one: string, other: string) =>
  views
    .selectFrom('follows')
    .select(['follower_id', 'state'])
    .where((eb) =>
      eb.or([
        eb.and([eb('follower_id', '=', one), eb('followee_id', '=', other)]),
        eb.and([eb('follower_id', '=', other), eb('followee_id', '=', one)]),
      ]),
    )
    .execute()

/** How far the stream of two people is, and how far with what the viewer did. */
const versionsOf = (stream: string, viewerId: string) => ({
  between: currentVersionOf(stream),
  own: lastVersionBy(stream, viewerId),
})

/**
 * A person, and what is between them and the viewer: at least as new as the viewer's own last command on it. What the other
 * one did is there as soon as the views have it. Throws Rejection `user-not-found`; rejects ViewsBehind.
 */
export const readUser = ({ db, views, prepare }: ReadDeps) => {
  const find = prepare(
    'users-user',
    ({ userId, viewerId, stream }: { userId: string; viewerId: string; stream: string }) =>
      selectUser(views, userId, viewerId).select([
        versionsOf(stream, viewerId).between.as('between'),
        versionsOf(stream, viewerId).own.as('own'),
      ]),
  )
  const versions = async (stream: string, viewerId: string): Promise<{ between: number; own: number }> => {
    const { between, own } = versionsOf(stream, viewerId)
    const { rows } = await sql<{ between: number; own: number }>`
      select ${between} as between, ${own} as own`.execute(db)
    return rows[0] ?? { between: 0, own: 0 }
  }
  return async (
    userId: string,
    viewerId: string,
  ): Promise<{ user: UserView; relationship: Relationship | undefined }> => {
    if (userId === viewerId) return { user: await findUser(views, userId, viewerId), relationship: undefined }
    const stream = pairStream(userId, viewerId)
    const [row] = await find({ userId, viewerId, stream })
    const { between, own } = row ?? (await versions(stream, viewerId))
    // Most people have nothing to do with each other: one query is all there is to it.
    if (between === 0) return { user: ofRow(row), relationship: strangers }
    if (own > 0)
      await whenCaughtUp(async () => {
        const seen = await seenOfPair(views, pairOf(userId, viewerId))
        return seen === undefined || seen >= own ? true : undefined
      })
    const [user, follows] = await Promise.all([
      findUser(views, userId, viewerId),
      followsBetween(views, userId, viewerId),
    ])
    const followOf = (id: string): Follow =>
      follows.find(({ follower_id }) => follower_id === id)?.state ?? 'none'
    return { user, relationship: { following: followOf(viewerId), followedBy: followOf(userId) } }
  }
}
