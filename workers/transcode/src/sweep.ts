import { type Objects } from '@veza/kit/objects'
import { type TracksDatabase } from '@veza/tracks/store'
import { type Kysely } from 'kysely'

/** What is younger may be the work of somebody who has not told of it yet. */
const graceMs = 24 * 60 * 60 * 1000

/** Objects of one address: a stream's files, or a source. */
interface Group {
  readonly keys: string[]
  newest: number
}

const groupsOf = async (objects: Objects, prefix: string): Promise<Map<string, Group>> => {
  const groups = new Map<string, Group>()
  for await (const { key, modifiedAt } of objects.list(prefix)) {
    const address = key.split('/').slice(0, 2).join('/')
    const group = groups.get(address) ?? { keys: [], newest: 0 }
    group.keys.push(key)
    group.newest = Math.max(group.newest, modifiedAt.getTime())
    groups.set(address, group)
  }
  return groups
}

/**
 * Deletes objects that no track has had for a day: of deleted tracks, of older recipes, of attempts that were given up.
 *
 * @returns the addresses that are gone
 */
export const sweepObjects =
  (deps: { db: Kysely<TracksDatabase>; objects: Objects; now: () => Date }) =>
  async (): Promise<string[]> => {
    const gone: string[] = []
    for (const [prefix, column] of [
      ['media/', 'media'],
      ['sources/', 'source'],
    ] as const)
      for (const [address, { keys, newest }] of await groupsOf(deps.objects, prefix)) {
        if (deps.now().getTime() - newest < graceMs) continue
        const value = column === 'media' ? address : address.slice(prefix.length)
        const used = await deps.db
          .selectFrom('tracks')
          .select('id')
          .where(column, '=', value)
          .limit(1)
          .executeTakeFirst()
        if (used !== undefined) continue
        await deps.objects.delete(keys)
        gone.push(address)
      }
    return gone
  }
