import { describe, expect, it } from 'vitest'
import { Rejection } from './rejection.ts'
import { decide, evolve, unknownUser, type User, type UserCommand, type UserEvent } from './user.ts'

const at = new Date('2026-11-24T12:00:00Z')
const day = 24 * 3_600_000
const tomorrow = new Date(at.getTime() + day)

const given = (...events: readonly UserEvent[]): User => events.reduce(evolve, unknownUser)
const created: UserEvent = {
  type: 'profile-created',
  profile: { ...unknownUser.profile, displayName: 'Ana' },
  at,
}
const asked: UserEvent = { type: 'erasure-requested', dueAt: tomorrow, at }
const people = {
  unknown: given(),
  active: given(created),
  leaving: given(created, asked),
  erased: given(created, asked, { type: 'erased', at: tomorrow }),
}

/** The types of the events that a command comes to, or why it is refused. */
const comesTo = (command: UserCommand, user: User, now = at): readonly string[] | string => {
  try {
    return decide(command, user, now).map(({ type }) => type)
  } catch (error) {
    if (error instanceof Rejection) return error.code
    throw error
  }
}

const changes: readonly UserCommand[] = [
  { type: 'update-profile', profile: { bio: 'b' }, privateProfile: {} },
  { type: 'change-avatar', avatarId: 'a' },
  { type: 'change-privacy', privacy: { searchable: false } },
  { type: 'change-settings', settings: { theme: 'dark' } },
]

describe('a person', () => {
  it.each(changes)(
    'can $type while they are there, and not before, on their way out, or after',
    (command) => {
      expect(comesTo(command, people.active)).toHaveLength(1)
      expect(comesTo(command, people.unknown)).toBe('user-not-found')
      expect(comesTo(command, people.leaving)).toBe('erasure-pending')
      expect(comesTo(command, people.erased)).toBe('user-erased')
    },
  )

  it.each(changes)('who does $type again has changed nothing', (command) => {
    const changed = decide(command, people.active, at).reduce(evolve, people.active)
    expect(comesTo(command, changed)).toEqual([])
  })

  it('says what of the profile changed, apart from what nobody else sees', () => {
    const [profile, fields] = decide(
      { type: 'update-profile', profile: { displayName: 'Ana', bio: 'b' }, privateProfile: { phone: '+49' } },
      people.active,
      at,
    )
    expect(profile).toMatchObject({ type: 'profile-updated', changed: ['bio'] })
    expect(JSON.stringify(profile)).not.toContain('+49')
    expect(fields).toMatchObject({
      type: 'private-profile-updated',
      fields: { phone: '+49', fullName: null },
    })
  })

  it('is created once, and never again once they are erased', () => {
    const create: UserCommand = { type: 'create', displayName: 'Ana' }
    expect(comesTo(create, people.unknown)).toEqual(['profile-created'])
    for (const user of [people.active, people.leaving]) expect(comesTo(create, user)).toEqual([])
    expect(comesTo(create, people.erased)).toBe('user-erased')
  })

  it('may have a copy until they are erased', () => {
    const request: UserCommand = { type: 'request-export', exportId: 'e' }
    for (const user of [people.active, people.leaving])
      expect(comesTo(request, user)).toEqual(['export-requested'])
    expect(comesTo(request, people.erased)).toBe('user-erased')
    expect(comesTo(request, people.unknown)).toBe('user-not-found')
  })
})

describe('erasure', () => {
  const ask = (graceMs: number): UserCommand => ({ type: 'request-erasure', graceMs })

  it('is due after the grace, at once without one, and no later for being asked for again', () => {
    expect(decide(ask(day), people.active, at)).toEqual([asked])
    expect(comesTo(ask(0), people.active)).toEqual(['erasure-requested', 'erased'])
    expect(comesTo(ask(9 * day), people.leaving)).toEqual([])
    expect(comesTo(ask(day), people.erased)).toBe('user-erased')
  })

  it('comes when it is due, unless it was taken back or has been', () => {
    const erase: UserCommand = { type: 'erase' }
    expect(comesTo(erase, people.leaving, new Date(tomorrow.getTime() - 1))).toEqual([])
    expect(comesTo(erase, people.leaving, tomorrow)).toEqual(['erased'])
    for (const user of [people.unknown, people.active, people.erased])
      expect(comesTo(erase, user, tomorrow)).toEqual([])
  })

  it('can be taken back until then, and leaves the person as they were', () => {
    const cancel: UserCommand = { type: 'cancel-erasure' }
    const back = decide(cancel, people.leaving, at).reduce(evolve, people.leaving)
    expect(back).toEqual(people.active)
    for (const user of [people.unknown, people.active, people.erased])
      expect(comesTo(cancel, user)).toBe('no-erasure-pending')
  })

  it('leaves nothing of the person in what is known', () => {
    expect(people.erased).toEqual({ ...unknownUser, status: 'erased' })
  })
})
