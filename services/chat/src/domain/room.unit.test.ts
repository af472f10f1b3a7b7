import { describe, expect, it } from 'vitest'
import {
  decide,
  forget,
  normaliseName,
  type Role,
  type Room,
  type RoomCommand,
  type RoomEvent,
} from './room.ts'

const [owner, ana, ben] = ['owner', 'ana', 'ben']
const room = (
  visibility: Room['visibility'],
  actorRole: Role | null,
  subjectRole: Role | null = actorRole,
  change: Partial<Room> = {},
): Room => ({
  visibility,
  archived: false,
  slowModeSeconds: 0,
  blockedWords: [],
  actorRole,
  subjectRole,
  subjectBanned: false,
  subjectInvited: false,
  subjectMutedUntil: null,
  ...change,
})
const join: RoomCommand = { type: 'add-member', actorId: ana, userId: ana }
const add: RoomCommand = { type: 'add-member', actorId: owner, userId: ben }
const leave: RoomCommand = { type: 'leave', actorId: ana }
const about = { actorId: ana, userId: ben }
const refuses = (code: string) => expect.objectContaining({ name: 'Rejection', code }) as Error

describe('add-member', () => {
  it('lets everybody join a public room', () => {
    expect(decide(join, room('public', null))).toEqual([
      { type: 'member-added', userId: ana, role: 'member' },
    ])
  })

  it('changes nothing for a member', () => {
    expect(decide(join, room('public', 'member'))).toEqual([])
    expect(decide(join, room('private', 'member'))).toEqual([])
  })

  it.each(['public', 'private'] as const)('lets the owner add somebody to a %s room', (visibility) => {
    expect(decide(add, room(visibility, 'owner', null))).toEqual([
      { type: 'member-added', userId: ben, role: 'member' },
    ])
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
    expect(decide(leave, room('private', 'member'))).toEqual([
      { type: 'member-left', userId: ana, how: 'left' },
    ])
    expect(decide(leave, room('public', 'moderator'))).toEqual([
      { type: 'member-left', userId: ana, how: 'left' },
    ])
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

describe('a room', () => {
  const until = new Date(5_000)
  it.each<[string, RoomCommand, Room, readonly RoomEvent[]]>([
    [
      'lets those in whom it invited',
      join,
      room('private', null, null, { subjectInvited: true }),
      [{ type: 'member-added', userId: ana, role: 'member' }],
    ],
    [
      'lets moderators remove members',
      { type: 'remove-member', ...about },
      room('private', 'moderator', 'member'),
      [{ type: 'member-left', userId: ben, how: 'removed' }],
    ],
    ['has nobody to remove', { type: 'remove-member', ...about }, room('public', 'moderator', null), []],
    [
      'bans members, who leave',
      { type: 'ban', ...about },
      room('public', 'owner', 'moderator'),
      [
        { type: 'member-left', userId: ben, how: 'banned' },
        { type: 'banned', userId: ben },
      ],
    ],
    [
      'bans strangers',
      { type: 'ban', ...about },
      room('public', 'moderator', null),
      [{ type: 'banned', userId: ben }],
    ],
    [
      'takes the invitation back of whom it bans',
      { type: 'ban', ...about },
      room('public', 'moderator', null, { subjectInvited: true }),
      [
        { type: 'invitation-withdrawn', userId: ben },
        { type: 'banned', userId: ben },
      ],
    ],
    ['bans once', { type: 'ban', ...about }, room('public', 'moderator', null, { subjectBanned: true }), []],
    [
      'lifts a ban',
      { type: 'lift-ban', ...about },
      room('public', 'moderator', null, { subjectBanned: true }),
      [{ type: 'ban-lifted', userId: ben }],
    ],
    ['lifts no ban that is not', { type: 'lift-ban', ...about }, room('public', 'moderator', null), []],
    [
      'invites',
      { type: 'invite', ...about },
      room('private', 'moderator', null),
      [{ type: 'invited', userId: ben }],
    ],
    [
      'invites once',
      { type: 'invite', ...about },
      room('private', 'owner', null, { subjectInvited: true }),
      [],
    ],
    ['invites no member', { type: 'invite', ...about }, room('private', 'owner', 'member'), []],
    [
      'lets one decline',
      { type: 'withdraw-invitation', actorId: ben, userId: ben },
      room('private', null, null, { subjectInvited: true }),
      [{ type: 'invitation-withdrawn', userId: ben }],
    ],
    [
      'takes an invitation back',
      { type: 'withdraw-invitation', ...about },
      room('private', 'moderator', null, { subjectInvited: true }),
      [{ type: 'invitation-withdrawn', userId: ben }],
    ],
    [
      'has no invitation to take back',
      { type: 'withdraw-invitation', ...about },
      room('public', 'owner', null),
      [],
    ],
    [
      'makes moderators',
      { type: 'set-role', ...about, role: 'moderator' },
      room('public', 'owner', 'member'),
      [{ type: 'role-changed', userId: ben, role: 'moderator' }],
    ],
    [
      'has one owner',
      { type: 'set-role', ...about, role: 'owner' },
      room('public', 'owner', 'member'),
      [
        { type: 'role-changed', userId: ben, role: 'owner' },
        { type: 'role-changed', userId: ana, role: 'moderator' },
      ],
    ],
    [
      'keeps its owner',
      { type: 'set-role', actorId: ana, userId: ana, role: 'member' },
      room('public', 'owner'),
      [],
    ],
    [
      'mutes',
      { type: 'mute', ...about, until },
      room('public', 'moderator', 'member'),
      [{ type: 'muted', userId: ben, until }],
    ],
    [
      'mutes until the same time once',
      { type: 'mute', ...about, until },
      room('public', 'moderator', 'member', { subjectMutedUntil: until }),
      [],
    ],
    [
      'is archived by its owner',
      { type: 'change-settings', actorId: ana, archived: true },
      room('public', 'owner'),
      [{ type: 'settings-changed', archived: true, slowModeSeconds: 0 }],
    ],
    [
      'is slowed down by moderators',
      { type: 'change-settings', actorId: ana, slowModeSeconds: 5 },
      room('public', 'moderator'),
      [{ type: 'settings-changed', archived: false, slowModeSeconds: 5 }],
    ],
    [
      'changes nothing for nothing',
      { type: 'change-settings', actorId: ana },
      room('public', 'moderator'),
      [],
    ],
    [
      'blocks words',
      { type: 'block-words', actorId: ana, words: ['spam'] },
      room('public', 'moderator'),
      [{ type: 'words-blocked', words: ['spam'] }],
    ],
    [
      'blocks the same words once',
      { type: 'block-words', actorId: ana, words: ['spam'] },
      room('public', 'moderator', 'moderator', { blockedWords: ['spam'] }),
      [],
    ],
  ])('%s', (_what, command, state, events) => {
    expect(decide(command, state)).toEqual(events)
  })

  it.each<[string, RoomCommand, Room, string]>([
    ['the banned to join', join, room('public', null, null, { subjectBanned: true }), 'banned'],
    [
      'anybody to join what is archived',
      join,
      room('public', null, null, { archived: true }),
      'room-archived',
    ],
    ['a third into a direct room', { ...add, actorId: ana }, room('direct', 'member', null), 'not-owner'],
    ['leaving a direct room', leave, room('direct', 'member'), 'direct-room'],
    [
      'roles in a direct room',
      { type: 'set-role', ...about, role: 'owner' },
      room('direct', 'member'),
      'direct-room',
    ],
    ['bans in a direct room', { type: 'ban', ...about }, room('direct', 'member'), 'direct-room'],
    [
      'members to remove',
      { type: 'remove-member', ...about },
      room('public', 'member', 'member'),
      'not-moderator',
    ],
    [
      'moderators to remove another',
      { type: 'remove-member', ...about },
      room('public', 'moderator'),
      'outranked',
    ],
    [
      'moderators to ban the owner',
      { type: 'ban', ...about },
      room('public', 'moderator', 'owner'),
      'outranked',
    ],
    [
      'the owner to mute themselves',
      { type: 'mute', ...about, until: null },
      room('public', 'owner'),
      'outranked',
    ],
    [
      'muting a stranger',
      { type: 'mute', ...about, until: null },
      room('public', 'owner', null),
      'member-not-found',
    ],
    [
      'moderators to make another',
      { type: 'set-role', ...about, role: 'moderator' },
      room('public', 'moderator', 'member'),
      'not-owner',
    ],
    [
      'a role for a stranger',
      { type: 'set-role', ...about, role: 'member' },
      room('public', 'owner', null),
      'member-not-found',
    ],
    ['members to invite', { type: 'invite', ...about }, room('private', 'member', null), 'not-moderator'],
    [
      'inviting the banned',
      { type: 'invite', ...about },
      room('private', 'owner', null, { subjectBanned: true }),
      'banned',
    ],
    [
      'inviting into what is archived',
      { type: 'invite', ...about },
      room('private', 'owner', null, { archived: true }),
      'room-archived',
    ],
    [
      'members to withdraw another’s invitation',
      { type: 'withdraw-invitation', ...about },
      room('public', 'member', null),
      'not-moderator',
    ],
    [
      'members to lift a ban',
      { type: 'lift-ban', ...about },
      room('public', 'member', null),
      'not-moderator',
    ],
    [
      'moderators to archive',
      { type: 'change-settings', actorId: ana, archived: true },
      room('public', 'moderator'),
      'not-owner',
    ],
    [
      'members to slow it down',
      { type: 'change-settings', actorId: ana, slowModeSeconds: 5 },
      room('public', 'member'),
      'not-moderator',
    ],
    [
      'members to block words',
      { type: 'block-words', actorId: ana, words: [] },
      room('public', 'member'),
      'not-moderator',
    ],
    ['strangers to know of it', { type: 'ban', ...about }, room('private', null, 'member'), 'room-not-found'],
    [
      'others than the invited to know of it',
      { type: 'invite', ...about },
      room('private', null, null, { subjectInvited: true }),
      'room-not-found',
    ],
  ])('does not allow %s', (_what, command, state, code) => {
    expect(() => decide(command, state)).toThrow(refuses(code))
  })
})

describe('who is forgotten', () => {
  const left: RoomEvent = { type: 'member-left', userId: ana, how: 'erased' }
  const archived: RoomEvent = { type: 'settings-changed', archived: true, slowModeSeconds: 0 }
  it.each<[string, Room, string | undefined, readonly RoomEvent[]]>([
    ['leaves', room('private', 'member'), ben, [left]],
    ['leaves even the room of two', room('direct', 'member'), ben, [left]],
    ['is in no room that they are not in', room('public', null), ben, []],
    [
      'leaves their own room to another',
      room('public', 'owner'),
      ben,
      [{ type: 'role-changed', userId: ben, role: 'owner' }, left],
    ],
    ['closes the room in which nobody else is', room('public', 'owner'), undefined, [archived, left]],
    [
      'leaves it as it is if it is closed',
      room('public', 'owner', 'owner', { archived: true }),
      undefined,
      [left],
    ],
  ])('%s', (_, stored, successor, events) => {
    expect(forget(stored, ana, successor)).toEqual(events)
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
