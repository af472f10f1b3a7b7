import { type Cache, type Caches } from '@veza/kit/cache'
import { currentVersionOf, lastVersionBy } from '@veza/kit/events'
import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'
import { pairStream } from '../adapters/streams.ts'
import { type Follow } from '../domain/pair.ts'
import { type Link, type Privacy } from '../domain/user.ts'
import { type Summary, summaryColumns } from './summaries.ts'

/** What a profile says to everybody who may see it. */
export interface PublicProfile extends Summary {
  readonly bio: string
  readonly location: string
  readonly links: readonly Link[]
  readonly approveFollowers: boolean
  readonly followsVisibleTo: Privacy['followsVisibleTo']
  readonly createdAt: Date | null
}

export interface Counts {
  readonly followers: number
  readonly following: number
}

/** What is between two people. */
export interface Between {
  /** Of the one who follows, by their id. */
  readonly follows: Readonly<Record<string, Follow | undefined>>
  /** One of the two blocks the other. */
  readonly blocked: boolean
  /** Something has happened between them that the views have not seen. */
  readonly behind: boolean
  /** Whether the views have yet to see the last that somebody did themselves, by their id. */
  readonly unseen: Readonly<Record<string, boolean | undefined>>
}

/**
 * What is read of people again and again. Names are personal, and so is who blocks whom: none of it leaves the process
 * (ADR 79).
 */
export interface UserCaches {
  /** By id, of the version of the person's stream that the views have seen. */
  readonly profiles: Cache<PublicProfile>
  /** By the name of the pair's stream without its prefix, of the version that the views have seen. undefined: nothing ever was. */
  readonly pairs: Cache<Between>
  /** They change by what others do: of the moment when they were read, in milliseconds of this process. */
  readonly counts: Cache<Counts>
}

const profileBytes = 16 * 1024 ** 2
const pairBytes = 16 * 1024 ** 2
const countBytes = 8 * 1024 ** 2
/** What others did is counted so late. */
const countsMs = 1_000
/** Most people have nothing to do with each other, and whoever changes that is heard of. */
const strangersMs = 30_000

const [ofUser, ofPair] = ['user-', 'pair-'] as const
export const pairId = (one: string, other: string): string => pairStream(one, other).slice(ofPair.length)

/** What a new version of a stream makes old. */
export const streamChanged = (caches: UserCaches, stream: string, version: number): void => {
  if (stream.startsWith(ofUser)) caches.profiles.changed(stream.slice(ofUser.length), version)
  if (!stream.startsWith(ofPair)) return
  const id = stream.slice(ofPair.length)
  caches.pairs.changed(id, version)
  for (const userId of id.split('.')) caches.counts.changed(userId, performance.now())
}

const prepareProfiles = (views: Kysely<ViewsDatabase>, prepare: Prepare) =>
  prepare('users-profiles', ({ userIds }: { userIds: readonly string[] }) =>
    views
      .selectFrom('profiles')
      .select([
        ...summaryColumns,
        ...(['version', 'erased', 'bio', 'location', 'links'] as const),
        'approve_followers as approveFollowers',
        'follows_visible_to as followsVisibleTo',
        'created_at as createdAt',
      ])
      .where(sql<boolean>`user_id = any(${userIds}::uuid[])`),
  )

interface Pairs extends Readonly<Record<string, readonly string[]>> {
  readonly lows: readonly string[]
  readonly highs: readonly string[]
  readonly streams: readonly string[]
}

/**
 * Of pairs between whom anything ever was, all of one moment: what has happened, what of it the views have seen, and what
 * they make of it. Most who look at each other are strangers: they cost a look into the index of events.
 */
const preparePairs = (views: Kysely<ViewsDatabase>, prepare: Prepare) =>
  prepare('users-pairs', ({ lows, highs, streams }: Pairs) => {
    const [low, high, stream] = (['low', 'high', 'stream'] as const).map((column) =>
      sql.ref<string>(`asked.${column}`),
    ) as [RawBuilder<string>, RawBuilder<string>, RawBuilder<string>]
    const followOf = (follower: RawBuilder<string>, followee: RawBuilder<string>) =>
      views
        .selectFrom('follows')
        .select('state')
        .where('follower_id', '=', follower)
        .where('followee_id', '=', followee)
    const asked = sql<{ low: string; high: string; stream: string; current: number }>`(
      select low, high, stream, ${currentVersionOf(sql.ref('given.stream'))} as current
      from unnest(${lows}::uuid[], ${highs}::uuid[], ${streams}::text[]) as given (low, high, stream))`
    return views
      .selectFrom(asked.as('asked'))
      .where('asked.current', '>', 0)
      .select((eb) => [
        'asked.low',
        'asked.high',
        'asked.current',
        lastVersionBy(stream, sql`${low}::text`).as('byLow'),
        lastVersionBy(stream, sql`${high}::text`).as('byHigh'),
        followOf(low, high).as('ofLow'),
        followOf(high, low).as('ofHigh'),
        eb
          .selectFrom('pairs')
          .select('version')
          .where('low_id', '=', low)
          .where('high_id', '=', high)
          .as('seen'),
        eb
          .exists(
            eb
              .selectFrom('blocks')
              .select('blocker_id')
              .where(sql<boolean>`(blocker_id, blocked_id) in ((${low}, ${high}), (${high}, ${low}))`),
          )
          .as('blocked'),
        eb
          .exists(
            eb
              .selectFrom('profiles')
              .select('user_id')
              .where(sql<boolean>`user_id in (${low}, ${high})`)
              .where('erased', '=', true),
          )
          .as('erased'),
      ])
  })

/** @param caches those of the process */
export const openUserCaches = (
  { views, prepare }: { readonly views: Kysely<ViewsDatabase>; readonly prepare: Prepare },
  caches: Pick<Caches, 'open'>,
): UserCaches => {
  const profilesOf = prepareProfiles(views, prepare)
  const pairsOf = preparePairs(views, prepare)
  const countsOf = prepare('users-counts', ({ userIds }: { userIds: readonly string[] }) =>
    views
      .selectFrom('follow_counts')
      .select(['user_id', 'followers', 'following'])
      .where(sql<boolean>`user_id = any(${userIds}::uuid[])`),
  )
  return {
    profiles: caches.open({
      name: 'profile',
      maxBytes: profileBytes,
      async loadAll(userIds) {
        const rows = await profilesOf({ userIds })
        return new Map(
          rows.map(({ version, erased, ...profile }) => {
            // Of somebody whom others have heard of before their own events came there is a row already.
            const value = erased || profile.createdAt === null ? undefined : profile
            return [profile.userId, { version, value }]
          }),
        )
      },
    }),
    pairs: caches.open({
      name: 'pair',
      maxBytes: pairBytes,
      negativeTtlMs: strangersMs,
      keeps: ({ behind }) => !behind,
      async loadAll(ids) {
        const ends = ids.map((id) => id.split('.'))
        const rows = await pairsOf({
          lows: ends.map(([low = '']) => low),
          highs: ends.map(([, high = '']) => high),
          streams: ids.map((id) => ofPair + id),
        })
        return new Map(
          rows.map(({ low, high, current, blocked, ofLow, ofHigh, byLow, byHigh, erased, seen }) => {
            // Of somebody who was erased the views keep nothing, and will see nothing more.
            const version = erased === true ? current : (seen ?? 0)
            const value = {
              follows: { [low]: ofLow ?? undefined, [high]: ofHigh ?? undefined },
              blocked: blocked === true,
              behind: version < current,
              unseen: { [low]: version < byLow, [high]: version < byHigh },
            }
            return [`${low}.${high}`, { version, value }]
          }),
        )
      },
    }),
    counts: caches.open({
      name: 'follow-counts',
      maxBytes: countBytes,
      ttlMs: countsMs,
      async loadAll(userIds) {
        const version = performance.now()
        const rows = await countsOf({ userIds })
        const found = new Map(rows.map(({ user_id, ...counts }) => [user_id, counts]))
        return new Map(
          userIds.map((userId) => [
            userId,
            { version, value: found.get(userId) ?? { followers: 0, following: 0 } },
          ]),
        )
      },
    }),
  }
}
