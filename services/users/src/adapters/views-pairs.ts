import { type Kysely, sql } from 'kysely'
import { evolvePair, type Pair, type PairEvent, peopleOf, sideOf, strangers } from '../domain/pair.ts'
import { type ViewsDatabase } from './schema.ts'

export interface SeenPairEvent {
  readonly event: PairEvent
  readonly version: number
}

type Trx = Kysely<ViewsDatabase>
type FollowRow = ViewsDatabase['follows']
type BlockRow = ViewsDatabase['blocks']

/** What is between two people, and since when. */
interface Between {
  readonly low: string
  readonly high: string
  version: number
  pair: Pair
  /** By the one who follows, or blocks. */
  readonly followSince: Record<string, Date>
  readonly blockSince: Record<string, Date>
}

const keyOf = (low: string, high: string): string => `${low}.${high}`

/** Says of a row that it is about two of these people, whichever way round. */
const isAbout = (pairs: readonly (readonly [string, string])[]) => {
  const lows = pairs.map(([low]) => low)
  const highs = pairs.map(([, high]) => high)
  return (one: string, other: string) =>
    sql<boolean>`(${sql.ref(one)}, ${sql.ref(other)}) in (
      select * from unnest(${[...lows, ...highs]}::uuid[], ${[...highs, ...lows]}::uuid[]))`
}

const loadPairs = async (
  trx: Trx,
  pairs: readonly (readonly [string, string])[],
): Promise<Map<string, Between>> => {
  const wanted = isAbout(pairs)
  const versions = await trx
    .selectFrom('pairs')
    .select(['low_id', 'high_id', 'version'])
    .where(wanted('low_id', 'high_id'))
    .execute()
  const follows = await trx
    .selectFrom('follows')
    .select(['follower_id', 'followee_id', 'state', 'since'])
    .where(wanted('follower_id', 'followee_id'))
    .execute()
  const blocks = await trx
    .selectFrom('blocks')
    .select(['blocker_id', 'blocked_id', 'since'])
    .where(wanted('blocker_id', 'blocked_id'))
    .execute()

  const loaded = new Map(
    pairs.map(([low, high]): [string, Between] => [
      keyOf(low, high),
      { low, high, version: 0, pair: strangers, followSince: {}, blockSince: {} },
    ]),
  )
  const find = (one: string, other: string) => loaded.get(one < other ? keyOf(one, other) : keyOf(other, one))
  for (const { low_id, high_id, version } of versions) {
    const between = find(low_id, high_id)
    if (between !== undefined) between.version = version
  }
  for (const { follower_id, followee_id, state, since } of follows) {
    const between = find(follower_id, followee_id)
    if (between === undefined) continue
    const blocks = sideOf(between.pair, follower_id).blocks
    between.pair = { ...between.pair, [follower_id]: { follow: state, blocks } }
    between.followSince[follower_id] = since
  }
  for (const { blocker_id, blocked_id, since } of blocks) {
    const between = find(blocker_id, blocked_id)
    if (between === undefined) continue
    const { follow } = sideOf(between.pair, blocker_id)
    between.pair = { ...between.pair, [blocker_id]: { follow, blocks: true } }
    between.blockSince[blocker_id] = since
  }
  return loaded
}

const take = (between: Between, { event, version }: SeenPairEvent): void => {
  between.version = version
  between.pair = evolvePair(between.pair, event)
  if (event.type === 'blocked') between.blockSince[event.blockerId] = event.at
  if (event.type === 'follow-requested' || event.type === 'follow-started')
    between.followSince[event.followerId] = event.at
}

/** The rows that stand for what is between two people. */
const rowsOf = ({ low, high, pair, followSince, blockSince }: Between) => {
  const follows: FollowRow[] = []
  const blocks: BlockRow[] = []
  for (const [one, other] of [
    [low, high],
    [high, low],
  ] as const) {
    const { follow, blocks: isBlocking } = sideOf(pair, one)
    const since = followSince[one]
    if (follow !== 'none' && since !== undefined)
      follows.push({ follower_id: one, followee_id: other, state: follow, since })
    const blockedSince = blockSince[one]
    if (isBlocking && blockedSince !== undefined)
      blocks.push({ blocker_id: one, blocked_id: other, since: blockedSince })
  }
  return { follows, blocks }
}

type Counts = Map<string, { followers: number; following: number }>

/** Adds what these rows count for: 1 when they come, -1 when they go. */
const count = (counts: Counts, rows: readonly FollowRow[], sign: 1 | -1): void => {
  for (const { follower_id, followee_id, state } of rows) {
    if (state !== 'following') continue
    const follower = counts.get(follower_id) ?? { followers: 0, following: 0 }
    counts.set(follower_id, { ...follower, following: follower.following + sign })
    const followee = counts.get(followee_id) ?? { followers: 0, following: 0 }
    counts.set(followee_id, { ...followee, followers: followee.followers + sign })
  }
}

const storeCounts = async (trx: Trx, counts: Counts): Promise<void> => {
  const changes = [...counts]
    .map(([user_id, change]) => ({ user_id, ...change }))
    .filter(({ followers, following }) => followers !== 0 || following !== 0)
    // In one order for everybody, so that two workers never wait for each other in a circle.
    .sort((one, other) => (one.user_id < other.user_id ? -1 : 1))
  if (changes.length === 0) return
  await trx
    .insertInto('follow_counts')
    .values(changes)
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet((eb) => ({
        followers: eb('follow_counts.followers', '+', eb.ref('excluded.followers')),
        following: eb('follow_counts.following', '+', eb.ref('excluded.following')),
      })),
    )
    .execute()
}

const storePairs = async (trx: Trx, touched: readonly Between[], counts: Counts): Promise<void> => {
  if (touched.length === 0) return
  const wanted = isAbout(touched.map(({ low, high }) => [low, high]))
  const gone = await trx
    .deleteFrom('follows')
    .where(wanted('follower_id', 'followee_id'))
    .returning(['follower_id', 'followee_id', 'state', 'since'])
    .execute()
  await trx.deleteFrom('blocks').where(wanted('blocker_id', 'blocked_id')).execute()
  const rows = touched.map(rowsOf)
  const follows = rows.flatMap((row) => row.follows)
  const blocks = rows.flatMap((row) => row.blocks)
  if (follows.length > 0) await trx.insertInto('follows').values(follows).execute()
  if (blocks.length > 0) await trx.insertInto('blocks').values(blocks).execute()
  count(counts, gone, -1)
  count(counts, follows, 1)
  await trx
    .insertInto('pairs')
    .values(touched.map(({ low, high, version }) => ({ low_id: low, high_id: high, version })))
    .onConflict((conflict) =>
      conflict.columns(['low_id', 'high_id']).doUpdateSet((eb) => ({ version: eb.ref('excluded.version') })),
    )
    .execute()
}

/** Everything between erased people and anybody. */
const removePeople = async (trx: Trx, userIds: readonly string[], counts: Counts): Promise<void> => {
  const isOne = (column: string) => sql<boolean>`${sql.ref(column)} = any(${userIds}::uuid[])`
  const gone = await trx
    .deleteFrom('follows')
    .where((eb) => eb.or([isOne('follower_id'), isOne('followee_id')]))
    .returning(['follower_id', 'followee_id', 'state', 'since'])
    .execute()
  await trx
    .deleteFrom('blocks')
    .where((eb) => eb.or([isOne('blocker_id'), isOne('blocked_id')]))
    .execute()
  await trx
    .deleteFrom('pairs')
    .where((eb) => eb.or([isOne('low_id'), isOne('high_id')]))
    .execute()
  await trx.deleteFrom('follow_counts').where(isOne('user_id')).execute()
  count(counts, gone, -1)
  for (const userId of userIds) counts.delete(userId)
}

/**
 * Takes events between people into the views. The people's rows are locked, and some of them erased: what is between
 * these and anybody goes, and what comes later is of no use.
 */
export const projectPairs = async (
  trx: Trx,
  o: {
    readonly events: readonly SeenPairEvent[]
    readonly isErased: (userId: string) => boolean
    readonly erasedNow: readonly string[]
  },
): Promise<void> => {
  const counts: Counts = new Map()
  const alive = o.events.filter(({ event }) => !peopleOf(event).some(o.isErased))
  const people = new Map(alive.map(({ event }) => [keyOf(...peopleOf(event)), peopleOf(event)]))
  const loaded = people.size === 0 ? new Map<string, Between>() : await loadPairs(trx, [...people.values()])
  const touched = new Set<Between>()
  for (const seen of alive) {
    const between = loaded.get(keyOf(...peopleOf(seen.event)))
    if (between === undefined || seen.version <= between.version) continue
    take(between, seen)
    touched.add(between)
  }
  await storePairs(trx, [...touched], counts)
  if (o.erasedNow.length > 0) await removePeople(trx, o.erasedNow, counts)
  await storeCounts(trx, counts)
}
