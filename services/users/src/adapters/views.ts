import { type Kysely } from 'kysely'
import { peopleOf } from '../domain/pair.ts'
import { type PersonalData } from './personal-data.ts'
import { pairEvent, sealedIn, userEvents, type UsersRecord } from './publish.ts'
import { type ViewsDatabase } from './schema.ts'
import { projectPairs, type SeenPairEvent } from './views-pairs.ts'
import { lockProfiles, projectProfiles, type SeenUserEvent } from './views-profiles.ts'

/** A record as it came, from the topic or from the store. */
export interface Seen {
  readonly record: UsersRecord
  /** Place in its stream, from 1. */
  readonly version: number
}

/**
 * Those whose document a later one of them has anew. Nobody needs to open these, and a replay meets every profile that
 * there ever was. What creates a profile says more than its document.
 */
const replacedIn = (seen: readonly Seen[]): ReadonlySet<Seen> => {
  const newest = new Map<string, Seen>()
  const replaced = new Set<Seen>()
  for (const one of seen) {
    const document = sealedIn(one.record)
    if (document === undefined || one.record.type === 'ProfileCreated') continue
    const key = `${document.name} ${document.userId}`
    const other = newest.get(key)
    if (other === undefined || other.version <= one.version) newest.set(key, one)
    if (other !== undefined) replaced.add(other.version <= one.version ? other : one)
  }
  return replaced
}

/**
 * Builds the views: takes a stretch of records, those of a key in order, into the tables of ViewsDatabase, in the
 * transaction that is given. What was seen before changes nothing, so a stretch may come again. The same records give
 * the same rows however they are cut and mixed, as long as a key's are in order.
 *
 * @param trx with the schema that is built: `trx.withSchema('views')`
 */
export const projectViews =
  (personal: PersonalData) =>
  async (trx: Kysely<ViewsDatabase>, seen: readonly Seen[]): Promise<void> => {
    const replaced = replacedIn(seen)
    const current = seen.filter((one) => !replaced.has(one))
    const events = await userEvents(
      personal,
      current.map(({ record }) => record),
    )
    const opened = new Map(current.map((one, index) => [one, events[index]]))
    const ofUsers: SeenUserEvent[] = []
    const ofPairs: SeenPairEvent[] = []
    for (const one of seen) {
      const { record, version } = one
      const between = pairEvent(record)
      if (between !== undefined) ofPairs.push({ event: between, version })
      else if ('userId' in record.value)
        ofUsers.push({ record, event: opened.get(one), version, userId: record.value.userId })
    }
    // Whoever is touched is locked first, all in one order: two workers wait for each other, but never in a circle, and
    // nobody starts to follow a person who is being erased.
    const profiles = await lockProfiles(trx, [
      ...ofUsers.map(({ userId }) => userId),
      ...ofPairs.flatMap(({ event }) => peopleOf(event)),
    ])
    const erasedNow = await projectProfiles(trx, profiles, ofUsers)
    await projectPairs(trx, {
      events: ofPairs,
      isErased: (id) => profiles.get(id)?.erased === true,
      erasedNow,
    })
  }
