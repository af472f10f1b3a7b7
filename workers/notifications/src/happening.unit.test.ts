import { type Message } from '@veza/kit/worker'
import { expect, it } from 'vitest'
import { type SourceTopic, toHappening } from './happening.ts'

const at = 1_800_000_000_000
const message = (type: Message<SourceTopic>['type'], value: object): Message<SourceTopic> =>
  ({ id: 'event', traceparent: undefined, record: {}, type, value }) as unknown as Message<SourceTopic>
const about = { roomId: 'room', offset: 7, messageId: 'message', senderId: 'ana' }
const ofMessage = { sourceId: 'event', roomId: 'room', roomOffset: 7, messageId: 'message', senderId: 'ana' }

it('tells what happened to a message, at the time that the room has it', () => {
  const posted = message('MessagePosted', { ...about, messageNumber: 3, mentions: ['ben'], postedAt: at })
  const edited = message('MessageEdited', { ...about, mentions: ['cem'], editedAt: at })
  const deleted = message('MessageDeleted', { ...about, deletedAt: at })
  expect([posted, edited, deleted].map(toHappening)).toEqual([
    { type: 'posted', ...ofMessage, messageNumber: 3, mentions: ['ben'], at: new Date(at) },
    { type: 'edited', ...ofMessage, mentions: ['cem'], at: new Date(at) },
    { type: 'deleted', ...ofMessage, at: new Date(at) },
  ])
})

it.each([
  ['MemberJoined', 'room.joined'],
  ['MemberLeft', 'room.left'],
  ['MemberInvited', 'invitation'],
  ['InvitationWithdrawn', 'invitation.withdrawn'],
] as const)('tells of %s as %s', (record, type) => {
  const value = { roomId: 'room', userId: 'ben', actorId: 'ana', how: 'removed', happenedAt: at }
  expect(toHappening(message(record, value))).toEqual({
    ...{ type, sourceId: 'event', roomId: 'room', userId: 'ben', actorId: 'ana', at: new Date(at) },
  })
})

it.each([
  ['who is forgotten', 'MemberLeft', { how: 'erased', happenedAt: at }],
  ['reactions', 'ReactionAdded', about],
  ['a room’s settings', 'RoomSettingsChanged', { roomId: 'room' }],
] as const)('tells nobody of %s', (_, record, value) => {
  expect(toHappening(message(record, value))).toBeUndefined()
})
