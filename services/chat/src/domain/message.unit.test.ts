import { type ChatCommand } from '@veza/contracts'
import { describe, expect, it } from 'vitest'
import {
  type Command,
  decide,
  maxReactionKinds,
  type Member,
  type MessageState,
  type RoomHead,
  type Situation,
} from './message.ts'
import { openPolicy, type Policy, wordFilter } from './policy.ts'
import { type Role } from './room.ts'

const now = new Date('2026-11-22T18:00:00.000Z')
const head: RoomHead = { epoch: 'e1', offset: 7, messageNumber: 5 }
const sent = { eventId: 'o1', roomId: 'r1', senderId: 'ana', clientMessageId: 'c1' }
const placed = { ...sent, epoch: 'e1', offset: 8, at: now }
const name = { clientMessageId: 'c1' }
const post: ChatCommand = {
  type: 'message.post',
  ...name,
  body: 'hello',
  replyTo: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
}
const reply: ChatCommand = { ...post, replyTo: 'm1' }
const edit: ChatCommand = { type: 'message.edit', ...name, messageId: 'm1', body: 'ho', mentions: ['ben'] }
const remove: ChatCommand = { type: 'message.delete', ...name, messageId: 'm1' }
const react: ChatCommand = { type: 'reaction.add', ...name, messageId: 'm1', reaction: '🎧' }
const unreact: ChatCommand = { ...react, type: 'reaction.remove' }
const target: MessageState = {
  messageId: 'm1',
  roomId: 'r1',
  senderId: 'ana',
  messageNumber: 3,
  threadId: null,
  mentions: [],
  edit: null,
  deletedAt: null,
}
const memberOf = (role: Role | null, change: Partial<Member> = {}): Member => ({
  role,
  mutedUntil: null,
  lastPostedAt: null,
  ...change,
})
const policyOf = (change: Partial<Policy>): Policy => ({ ...openPolicy, ...change })
const ago = (ms: number) => new Date(now.getTime() - ms)
const slow = policyOf({ slowModeSeconds: 10 })
const archive = policyOf({ archived: true })
const strict = policyOf({ blocks: wordFilter(['hello', 'ho']) })
const situation: Situation = {
  head,
  policy: openPolicy,
  member: memberOf('member'),
  target,
  reaction: { count: 2, isMine: false, kinds: 1 },
}
const bens = { ...target, senderId: 'ben' }
const mine = { count: 2, isMine: true, kinds: 1 }

const outcomeOf = (content: Command['content'], change: Partial<Situation> = {}) =>
  decide({ ...sent, content }, { ...situation, ...change }, now)

describe('decide', () => {
  it.each<[string, ChatCommand, Partial<Situation>, object]>([
    ['a post', post, {}, { type: 'posted', messageNumber: 6, body: 'hello', threadId: null }],
    ['a reply', reply, {}, { type: 'posted', messageNumber: 6, replyTo: 'm1', threadId: 'm1' }],
    [
      'a reply to a reply',
      reply,
      { target: { ...target, threadId: 'm0' } },
      { replyTo: 'm1', threadId: 'm0' },
    ],
    ['an edit', edit, {}, { type: 'edited', messageId: 'm1', body: 'ho', mentions: ['ben'] }],
    ['a deletion', remove, {}, { type: 'deleted', messageId: 'm1' }],
    ['a moderator’s deletion', remove, { target: bens, member: memberOf('moderator') }, { type: 'deleted' }],
    ['an owner’s deletion', remove, { target: bens, member: memberOf('owner') }, { type: 'deleted' }],
    [
      'a post in slow mode',
      post,
      { policy: slow, member: memberOf('member', { lastPostedAt: ago(10_000) }) },
      {},
    ],
    [
      'a moderator’s in slow mode',
      post,
      { policy: slow, member: memberOf('moderator', { lastPostedAt: now }) },
      {},
    ],
    [
      'a reaction in slow mode',
      react,
      { policy: slow, member: memberOf('member', { lastPostedAt: now }) },
      {},
    ],
    [
      'somebody muted until now',
      post,
      { member: memberOf('member', { mutedUntil: now }) },
      { type: 'posted' },
    ],
    ['a deletion by somebody muted', remove, { member: memberOf('member', { mutedUntil: ago(-1) }) }, {}],
    ['a reaction', react, { target: bens }, { type: 'reaction-added', reaction: '🎧', count: 3 }],
    ['a reaction taken back', unreact, { reaction: mine }, { type: 'reaction-removed', count: 1 }],
    [
      'a known reaction to a message that has all kinds',
      react,
      { reaction: { count: 1, isMine: false, kinds: maxReactionKinds } },
      { type: 'reaction-added', count: 2 },
    ],
  ])('given a member, places %s after the last event', (_what, command, change, event) => {
    expect(outcomeOf(command, change)).toMatchObject({ ...placed, ...event })
  })

  it.each<[string, Command['content'], Partial<Situation>, string]>([
    ['an unknown room', post, { head: undefined }, 'room-not-found'],
    ['a stranger', post, { member: undefined }, 'not-a-member'],
    ['a command that is none', { code: 'body-empty' }, {}, 'body-empty'],
    ['one that is given up', { code: 'internal' }, {}, 'internal'],
    ['somebody banned', post, { member: memberOf(null) }, 'banned'],
    ['a post in an archived room', post, { policy: archive }, 'room-archived'],
    ['a deletion in an archived room', remove, { policy: archive }, 'room-archived'],
    ['somebody muted', react, { member: memberOf('member', { mutedUntil: ago(-1) }) }, 'muted'],
    ['a blocked word', post, { policy: strict }, 'blocked-word'],
    ['a blocked word in an edit', edit, { policy: strict }, 'blocked-word'],
    [
      'a post too soon in slow mode',
      post,
      { policy: slow, member: memberOf('member', { lastPostedAt: ago(9_999) }) },
      'slow-mode',
    ],
    ['a reply to nothing', reply, { target: undefined }, 'message-not-found'],
    ['a reply into another room', reply, { target: { ...target, roomId: 'r2' } }, 'message-not-found'],
    ['a reply to what is deleted', reply, { target: { ...target, deletedAt: now } }, 'message-deleted'],
    ['an edit of nothing', edit, { target: undefined }, 'message-not-found'],
    ['an edit in another room', edit, { target: { ...target, roomId: 'r2' } }, 'message-not-found'],
    ['an edit of another’s message', edit, { target: bens }, 'not-author'],
    ['an owner’s edit of another’s', edit, { target: bens, member: memberOf('owner') }, 'not-author'],
    ['an edit of what is deleted', edit, { target: { ...target, deletedAt: now } }, 'message-deleted'],
    ['a deletion of another’s message', remove, { target: bens }, 'not-author'],
    ['a second deletion', remove, { target: { ...target, deletedAt: now } }, 'message-deleted'],
    ['a reaction to nothing', react, { target: undefined }, 'message-not-found'],
    ['a second reaction', react, { reaction: mine }, 'already-reacted'],
    ['taking back what is not there', unreact, {}, 'not-reacted'],
    [
      'one kind of reaction too many',
      react,
      { reaction: { count: 0, isMine: false, kinds: maxReactionKinds } },
      'too-many-reactions',
    ],
  ])('refuses %s', (_what, content, change, code) => {
    expect(outcomeOf(content, change)).toEqual({ type: 'refused', ...sent, at: now, code })
  })

  const gone = { member: undefined }
  it.each<[string, ChatCommand, Partial<Situation>, object]>([
    ['what is theirs, though they left', remove, gone, { type: 'deleted', messageId: 'm1' }],
    ['their reaction', unreact, { ...gone, target: bens, reaction: mine }, { type: 'reaction-removed' }],
    ['what is theirs in an archived room', remove, { policy: archive }, { type: 'deleted' }],
    ['what is theirs, though they are banned', remove, { member: memberOf(null) }, { type: 'deleted' }],
    ['nothing of others', remove, { ...gone, target: bens }, { type: 'refused', code: 'not-author' }],
    [
      'nothing twice',
      remove,
      { ...gone, target: { ...target, deletedAt: now } },
      { type: 'refused', code: 'message-deleted' },
    ],
  ])('takes back for somebody forgotten %s', (_what, content, change, outcome) => {
    const command = { ...sent, content, isErasure: true }
    expect(decide(command, { ...situation, ...change }, now)).toMatchObject(outcome)
  })
})
