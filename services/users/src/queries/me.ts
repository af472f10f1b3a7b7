import { currentVersionOf } from '@veza/kit/events'
import { gather } from '@veza/kit/gather'
import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, type Selectable, sql } from 'kysely'
import { type PersonalData } from '../adapters/personal-data.ts'
import { type UsersDatabase, type ViewsDatabase } from '../adapters/schema.ts'
import { type Streams, userStream } from '../adapters/streams.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Privacy, type PrivateProfile, type Profile, type Settings } from '../domain/user.ts'

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
  readonly prepare: Prepare
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

/** The version of each person's stream, and their row, in one query: this is what is asked most of all. */
const prepareRows = ({ views, prepare }: ReadDeps) =>
  prepare('users-me', ({ userIds, streams }: { userIds: readonly string[]; streams: readonly string[] }) =>
    views
      .selectFrom(
        sql<{ id: string; current: number }>`(
            select id, ${currentVersionOf(sql.ref('given.stream'))} as current
            from unnest(${userIds}::uuid[], ${streams}::text[]) as given (id, stream))`.as('asked'),
      )
      .leftJoin('profiles', 'profiles.user_id', 'asked.id')
      .leftJoin('follow_counts', 'follow_counts.user_id', 'asked.id')
      .select([
        'asked.id',
        'asked.current',
        'version',
        'erased',
        'display_name',
        'handle',
        'bio',
        'location',
        'links',
        'avatar_id',
        'approve_followers',
        'searchable',
        'follows_visible_to',
        'private_fields',
        'settings',
        'erasure_due_at',
        'created_at',
        'followers',
        'following',
      ]),
  )

/** Nothing of the person's is there but the version while the views have not heard of them. */
type MaybeRow = Awaited<ReturnType<ReturnType<typeof prepareRows>>>[number]
type Row = Omit<Selectable<ViewsDatabase['profiles']>, 'user_id' | 'search' | 'updated_at'> &
  Pick<MaybeRow, 'followers' | 'following'>

const isUpToDate = (row: MaybeRow): row is MaybeRow & Row =>
  row.version !== null && row.version >= row.current

const ofRow = async ({ personal }: ReadDeps, userId: string, row: Row): Promise<Me> => {
  const [privateProfile, settings] = await Promise.all([
    personal.openOne(userId, 'private-profile', row.private_fields),
    personal.openOne(userId, 'settings', row.settings),
  ])
  if (row.erased || privateProfile === undefined || settings === undefined) throw new Rejection('user-erased')
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

const ofStream = async ({ db, views, streams }: ReadDeps, userId: string): Promise<Me> => {
  const [{ state, version }, counts] = await Promise.all([
    streams.user(userId).load(db, userStream(userId)),
    readCounts(views)(userId),
  ])
  // Of somebody whose key is gone nothing can be opened: they are as if they had never been.
  if (state.status === 'erased' || state.status === 'unknown') throw new Rejection('user-erased')
  const { profile, privateProfile, privacy, settings, avatarId, erasureDueAt, createdAt } = state
  return {
    ...{ userId, version, profile, privateProfile, privacy, settings },
    ...{ avatarId, erasureDueAt, createdAt, ...counts },
  }
}

/**
 * The caller themselves, at least as new as their last command. While the views are behind, it is folded from their own
 * events: who waited for the views instead, by asking again and again, would keep them behind. undefined: nobody has heard
 * of them yet. Throws Rejection `user-erased`.
 */
export const readMe = (deps: ReadDeps) => {
  const rowsOf = prepareRows(deps)
  const rowOf = gather(async (userIds) => {
    const rows = await rowsOf({ userIds, streams: userIds.map(userStream) })
    return new Map(rows.map((row) => [row.id, row]))
  })
  return async (userId: string): Promise<Me | undefined> => {
    const row = await rowOf(userId)
    if (row === undefined || row.current === 0) return undefined
    return isUpToDate(row) ? ofRow(deps, userId, row) : ofStream(deps, userId)
  }
}
