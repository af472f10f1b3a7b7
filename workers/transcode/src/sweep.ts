import { type Objects } from '@veza/kit/objects'
import { type TracksDatabase } from '@veza/tracks/store'
import { type Kysely } from 'kysely'

/**
 * What is younger may be the work of somebody who has not told of it yet; what fell out of use a shorter time ago is still
 * heard by those who began before, whose passes are good for some hours.
 */
const graceMs = 24 * 60 * 60 * 1000

/** Addresses that one query asks for. */
const atOnce = 500

/** Where objects lie, and the column of tracks that names what is in use, by what stands there of their address. */
const kinds = [
  { prefix: 'media/', column: 'media', named: (address: string) => address },
  { prefix: 'sources/', column: 'source', named: (address: string) => address.slice('sources/'.length) },
  { prefix: 'covers/', column: 'cover', named: (address: string) => address.slice('covers/'.length) },
] as const

const inBatches = async function* <T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/**
 * Deletes objects that no track has had for a day: of deleted tracks, of older recipes, of pictures that were replaced, of
 * attempts that were given up; and what puts left that were killed. What is in use is not looked into, and memory is that of
 * one batch, so a large catalogue costs a listing and a few queries for some hundred of its tracks. Several may do so at once.
 *
 * @returns the addresses that are gone
 */
export const sweepObjects = (deps: { db: Kysely<TracksDatabase>; objects: Objects; now: () => Date }) => {
  const { db, objects, now } = deps
  const limit = (): Date => new Date(now().getTime() - graceMs)

  /** The keys of what lies at an address; undefined: some of it is too young. */
  const keysOf = async (child: string): Promise<string[] | undefined> => {
    const before = limit()
    const keys: string[] = []
    if (!child.endsWith('/')) {
      const info = await objects.head(child)
      return info === undefined || info.modifiedAt <= before ? [child] : undefined
    }
    for await (const { key, modifiedAt } of objects.list(child)) {
      if (modifiedAt > before) return undefined
      keys.push(key)
    }
    return keys
  }

  /** Remembers which of them are unused. @returns those that have been for long enough */
  const unusedFor = async (used: readonly string[], unused: readonly string[]): Promise<string[]> => {
    const marks = db.deleteFrom('unused_objects')
    if (used.length > 0) await marks.where('address', 'in', used).execute()
    if (unused.length === 0) return []
    await db
      .insertInto('unused_objects')
      .values(unused.map((address) => ({ address, since: now() })))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    const rows = await db
      .selectFrom('unused_objects')
      .select('address')
      .where('address', 'in', unused)
      .where('since', '<=', limit())
      .execute()
    return rows.map(({ address }) => address)
  }

  const sweepBatch = async (
    children: readonly string[],
    { column, named }: (typeof kinds)[number],
  ): Promise<string[]> => {
    const byName = new Map(children.map((child) => [named(child.replace(/\/$/, '')), child]))
    const rows = await db
      .selectFrom('tracks')
      .select(column)
      .where(column, 'in', [...byName.keys()])
      .execute()
    const names = new Set(rows.map((row) => (row as Partial<Record<typeof column, string | null>>)[column]))
    const [used, unused]: [string[], string[]] = [[], []]
    for (const [name, child] of byName) (names.has(name) ? used : unused).push(child)
    const gone: string[] = []
    for (const child of await unusedFor(used, unused)) {
      const keys = await keysOf(child)
      if (keys === undefined) continue
      await objects.delete(keys)
      await db.deleteFrom('unused_objects').where('address', '=', child).execute()
      gone.push(child.replace(/\/$/, ''))
    }
    return gone
  }

  return async (): Promise<string[]> => {
    await objects.sweepDrafts(limit())
    const gone: string[] = []
    for (const kind of kinds)
      for await (const children of inBatches(objects.children(kind.prefix), atOnce))
        gone.push(...(await sweepBatch(children, kind)))
    return gone
  }
}
