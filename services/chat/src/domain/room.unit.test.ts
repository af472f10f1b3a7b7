import { describe, expect, it } from 'vitest'
import { decide, normaliseName, type Room } from './room.ts'

const [owner, ana, ben] = ['owner', 'ana', 'ben']
const room = (
  visibility: Room['visibility'],
  actorRole: Room['actorRole'],
  subjectRole = actorRole,
): Room => ({
  visibility,
  actorRole,
  subjectRole,
})
const join = { type: 'add-member', actorId: ana, userId: ana } as const
const add = { type: 'add-member', actorId: owner, userId: ben } as const
const leave = { type: 'leave', actorId: ana } as const
const refuses = (code: string) => expect.objectContaining({ name: 'Rejection', code }) as Error

describe('add-member', () => {
  it('lets everybody join a public room', () => {
    expect(decide(join, room('public', null))).toEqual([{ type: 'member-added', userId: ana }])
  })

  it('changes nothing for a member', () => {
    expect(decide(join, room('public', 'member'))).toEqual([])
    expect(decide(join, room('private', 'member'))).toEqual([])
  })

  it.each(['public', 'private'] as const)('lets the owner add somebody to a %s room', (visibility) => {
    expect(decide(add, room(visibility, 'owner', null))).toEqual([{ type: 'member-added', userId: ben }])
    expect(decide(add, room(visibility, 'owner', 'member'))).toEqual([])
  })

  it.each(['member', 'moderator'] as const)('does not let a %s add somebody else', (role) => {
    expect(() => decide(add, room('private', role, null))).toThrow(refuses('not-owner'))
  })

  it('does not let a stranger to a public room add somebody else', () => {
    expect(() => decide(add, room('public', null, null))).toThrow(refuses('not-owner'))
  })

  it('answers alike for a private room and for none', () => {
    expect(() => decide(join, room('private', null))).toThrow(refuses('room-not-found'))
    expect(() => decide(join, undefined)).toThrow(refuses('room-not-found'))
    expect(() => decide(add, room('private', null, 'member'))).toThrow(refuses('room-not-found'))
  })
})

describe('leave', () => {
  it('lets members and moderators go', () => {
    expect(decide(leave, room('private', 'member'))).toEqual([{ type: 'member-left', userId: ana }])
    expect(decide(leave, room('public', 'moderator'))).toEqual([{ type: 'member-left', userId: ana }])
  })

  it('changes nothing for a stranger to a public room', () => {
    expect(decide(leave, room('public', null))).toEqual([])
  })

  it('keeps the owner', () => {
    expect(() => decide(leave, room('public', 'owner'))).toThrow(refuses('owner-cannot-leave'))
  })

  it('tells strangers nothing of a private room', () => {
    expect(() => decide(leave, room('private', null))).toThrow(refuses('room-not-found'))
  })
})

describe('normaliseName', () => {
  it('trims, and composes what can be composed', () => {
    expect(normaliseName('  Cafe\u0301 \n')).toBe('Caf\u00e9')
  })

  it('counts code points, 1 to 80', () => {
    expect(normaliseName('🎧'.repeat(80))).toBe('🎧'.repeat(80))
    expect(normaliseName('🎧'.repeat(81))).toBeUndefined()
    expect(normaliseName('   ')).toBeUndefined()
  })

  it.each(['a\nb', 'a\u0000b', 'a\u007fb', 'a\u2028b', 'a\ud800b'])('refuses %j', (name) => {
    expect(normaliseName(name)).toBeUndefined()
  })
})
