import { expect, it } from 'vitest'
import { unknownUser } from '../domain/user.ts'
import { type PersonalData, type SealedDocument } from './personal-data.ts'
import { type Seen, userEvents } from './publish.ts'

const profileNamed = (displayName: string) => ({ ...unknownUser.profile, displayName })

/** What is sealed is the text of it. */
const opening = () => {
  const opened: string[] = []
  const open = (documents: readonly SealedDocument[]) => {
    opened.push(...documents.map(({ sealed }) => Buffer.from(sealed).toString()))
    return Promise.resolve(
      documents.map(({ sealed }) => JSON.parse(Buffer.from(sealed).toString()) as typeof unknownUser.profile),
    )
  }
  return { opened, personal: { open } as unknown as PersonalData }
}

const sealed = (document: unknown) => Buffer.from(JSON.stringify(document))
const created = (userId: string, name: string): Seen => ({
  record: { type: 'ProfileCreated', value: { userId, profile: sealed(profileNamed(name)), createdAt: 1 } },
  version: 1,
})
const updated = (userId: string, name: string, version: number): Seen => ({
  record: {
    type: 'ProfileUpdated',
    value: { userId, profile: sealed(profileNamed(name)), changed: ['displayName'], updatedAt: version },
  },
  version,
})
const themed = (userId: string, theme: 'dark' | 'light', version: number): Seen => ({
  record: {
    type: 'SettingsChanged',
    value: { userId, settings: sealed({ ...unknownUser.settings, theme }), changedAt: version },
  },
  version,
})

it('opens of each document of a person only what was said last, and how they began', async () => {
  const { opened, personal } = opening()
  const events = await userEvents(personal, [
    created('ana', 'A'),
    updated('ana', 'B', 2),
    themed('ana', 'dark', 3),
    updated('ben', 'X', 7),
    updated('ana', 'C', 4),
    themed('ana', 'light', 5),
    // Delivered again.
    updated('ana', 'B', 2),
  ])
  expect(events.map((event) => event?.type)).toEqual([
    ...['profile-created', undefined, undefined, 'profile-updated', 'profile-updated', 'settings-changed'],
    undefined,
  ])
  expect(events[4]).toMatchObject({ profile: { displayName: 'C' } })
  expect(opened).toHaveLength(4)
})
