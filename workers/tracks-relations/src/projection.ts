import { type RecordOf, topics } from '@veza/contracts'
import { placeOf, type Projection } from '@veza/kit/projection'
import { type RelationsDatabase, relationsModel } from '@veza/tracks/store'
import { sql } from 'kysely'

type Event = RecordOf<typeof topics.usersEvents>

/** Who to whom. */
type Pair = readonly [one: string, other: string]

/** What a stretch of events comes to: of each pair the last word, and who was erased. */
const outcomeOf = (events: readonly Event[]) => {
  const follows = new Map<string, { pair: Pair; isOn: boolean }>()
  const blocks: typeof follows = new Map()
  const erased = new Set<string>()
  const say = (where: typeof follows, one: string, other: string, isOn: boolean) =>
    where.set(`${one} ${other}`, { pair: [one, other], isOn })
  for (const { type, value } of events)
    switch (type) {
      case 'FollowStarted':
      case 'FollowEnded':
        say(follows, value.followerId, value.followeeId, type === 'FollowStarted')
        break
      case 'UserBlocked':
      case 'UserUnblocked':
        say(blocks, value.blockerId, value.blockedId, type === 'UserBlocked')
        break
      case 'UserErased':
        erased.add(value.userId)
        break
      default:
    }
  return { follows: [...follows.values()], blocks: [...blocks.values()], erased: [...erased] }
}

/** What users.events.v1 says of who follows and who blocks whom, as rows that queries of tracks join. */
export const relations: Projection<typeof topics.usersEvents, RelationsDatabase> = {
  ...relationsModel,
  name: 'tracks-relations',
  topics: [topics.usersEvents],
  refuse: (event) =>
    placeOf(event) === undefined ? 'no place in a stream: ce_subject, ce_sequence' : undefined,
  async apply(db, events, schema) {
    const { follows, blocks, erased } = outcomeOf(events)
    const table = (name: string) => sql.id(schema, name)
    // Partitions are taken side by side: whoever ends an account waits for those who may be adding to it, and they for it.
    const mode = sql.raw(erased.length > 0 ? 'share row exclusive' : 'share')
    await sql`lock table ${table('erased')} in ${mode} mode`.execute(db)
    if (erased.length > 0)
      await sql`
        insert into ${table('erased')} (user_id) select unnest(${erased}::uuid[]) on conflict do nothing`.execute(
        db,
      )
    for (const { name, one, other, said } of [
      { name: 'follows', one: 'follower_id', other: 'followee_id', said: follows },
      { name: 'blocks', one: 'blocker_id', other: 'blocked_id', said: blocks },
    ]) {
      const [first, second] = [sql.id(one), sql.id(other)]
      const pairs = (isOn: boolean) => {
        const wanted = said.filter((word) => word.isOn === isOn).map(({ pair }) => pair)
        return sql`unnest(${wanted.map(([id]) => id)}::uuid[], ${wanted.map(([, id]) => id)}::uuid[])`
      }
      if (said.some(({ isOn }) => !isOn))
        await sql`delete from ${table(name)} where (${first}, ${second}) in (select * from ${pairs(false)})`.execute(
          db,
        )
      // After whoever is erased: what others say of them later is of no use.
      if (said.some(({ isOn }) => isOn))
        await sql`
          insert into ${table(name)} (${first}, ${second})
          select pair.one, pair.other from ${pairs(true)} as pair (one, other)
          where not exists (select from ${table('erased')} where user_id in (pair.one, pair.other))
          on conflict do nothing`.execute(db)
      if (erased.length > 0)
        await sql`
          delete from ${table(name)} where ${first} = any(${erased}::uuid[]) or ${second} = any(${erased}::uuid[])`.execute(
          db,
        )
    }
  },
}
