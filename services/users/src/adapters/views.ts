import { type Kysely } from 'kysely'
import { peopleOf } from '../domain/pair.ts'
import { type PersonalData } from './personal-data.ts'
import { pairEvent, type Seen, userEvents } from './publish.ts'
import { type ViewsDatabase } from './schema.ts'
import { projectPairs, type SeenPairEvent } from './views-pairs.ts'
import { lockProfiles, projectProfiles, type SeenUserEvent } from './views-profiles.ts'

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
    const opened = await userEvents(personal, seen)
    const ofUsers: SeenUserEvent[] = []
    const ofPairs: SeenPairEvent[] = []
    for (const [index, { record, version }] of seen.entries()) {
      const between = pairEvent(record)
      if (between !== undefined) ofPairs.push({ event: between, version })
      else if ('userId' in record.value)
        ofUsers.push({ record, event: opened[index], version, userId: record.value.userId })
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
