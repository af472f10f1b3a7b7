import { topics } from '@veza/contracts'
import { placeOf, type Projection } from '@veza/kit/projection'
import { type PersonalData, projectViews, usersViews, type ViewsDatabase } from '@veza/users/store'

/** What people see, of users.events.v1. @param personal opens what is sealed in the events */
export const usersViewsProjection = (
  personal: PersonalData,
): Projection<typeof topics.usersEvents, ViewsDatabase> => {
  const project = projectViews(personal)
  return {
    ...usersViews,
    name: 'users-views',
    topics: [topics.usersEvents],
    refuse: (event) =>
      placeOf(event) === undefined ? 'no place in a stream: ce_subject, ce_sequence' : undefined,
    apply: (db, events) =>
      project(
        db,
        events.map((record) => ({ record, version: placeOf(record)?.version ?? 0 })),
      ),
  }
}
