import { type Kysely } from 'kysely'
import { type PersonalData } from '../adapters/personal-data.ts'
import { type UsersDatabase, type ViewsDatabase } from '../adapters/schema.ts'
import { type Streams, userStream } from '../adapters/streams.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Privacy, type PrivateProfile, type Profile, type Settings } from '../domain/user.ts'
import { whenCaughtUp } from './views.ts'

/** A person as they see themselves. */
export interface Me {
  readonly userId: string
  /** Of the person's stream. */
  readonly version: number
  readonly profile: Profile
  readonly privateProfile: PrivateProfile
  readonly privacy: Privacy
  readonly settings: Settings
  readonly avatarId: string | null
  readonly followers: number
  readonly following: number
  readonly erasureDueAt: Date | null
  readonly createdAt: Date | null
}

export interface ReadDeps {
  readonly db: Kysely<UsersDatabase>
  readonly views: Kysely<ViewsDatabase>
  readonly streams: Streams
  readonly personal: PersonalData
}

/** How many follow a person and are followed, as the views have it. */
export const readCounts =
  (views: Kysely<ViewsDatabase>) =>
  async (userId: string): Promise<{ followers: number; following: number }> =>
    (await views
      .selectFrom('follow_counts')
      .select(['followers', 'following'])
      .where('user_id', '=', userId)
      .executeTakeFirst()) ?? { followers: 0, following: 0 }

const readRow = (views: Kysely<ViewsDatabase>, userId: string, version: number) =>
  views
    .selectFrom('profiles')
    .leftJoin('follow_counts', 'follow_counts.user_id', 'profiles.user_id')
    .selectAll('profiles')
    .select(['follow_counts.followers', 'follow_counts.following'])
    .where('profiles.user_id', '=', userId)
    .where('profiles.version', '>=', version)
    .executeTakeFirst()

/**
 * The caller themselves, at least as new as their last command. undefined: nobody has heard of them yet. Throws Rejection
 * `user-erased`, rejects ViewsBehind.
 */
export const readMe =
  ({ db, views, streams, personal }: ReadDeps) =>
  async (userId: string): Promise<Me | undefined> => {
    const version = await streams.store.currentVersion(db, userStream(userId))
    if (version === 0) return undefined
    const row = await whenCaughtUp(() => readRow(views, userId, version))
    const [privateProfile, settings] = await Promise.all([
      personal.openOne(userId, 'private-profile', row.private_fields),
      personal.openOne(userId, 'settings', row.settings),
    ])
    if (row.erased || privateProfile === undefined || settings === undefined)
      throw new Rejection('user-erased')
    return {
      userId,
      version: row.version,
      profile: {
        displayName: row.display_name,
        handle: row.handle,
        bio: row.bio,
        location: row.location,
        links: row.links,
      },
      privateProfile,
      privacy: {
        approveFollowers: row.approve_followers,
        searchable: row.searchable,
        followsVisibleTo: row.follows_visible_to,
      },
      settings,
      avatarId: row.avatar_id,
      followers: row.followers ?? 0,
      following: row.following ?? 0,
      erasureDueAt: row.erasure_due_at,
      createdAt: row.created_at,
    }
  }
