import { describe, expect, it } from 'vitest'
import {
  type ChatEvent,
  channels,
  eventTime,
  parseChannel,
  roomPublication,
  userPublication,
} from './realtime.ts'

const id = '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f'

describe('channels', () => {
  it('are parsed as they are built', () => {
    expect(parseChannel(channels.room(id))).toEqual({ kind: 'room', id })
    expect(parseChannel(channels.user(id))).toEqual({ kind: 'user', id })
  })

  it.each([
    '',
    'room',
    'room:',
    `room:${id.toUpperCase()}`,
    `room:${id} `,
    `room:${id}\n`,
    ` room:${id}`,
    `track:${id}`,
    `room:${id}:typing`,
    `room:${id.replaceAll('-', '')}`,
    `room:{${id}}`,
    'room:../../etc',
  ])('%j is none', (name) => {
    expect(parseChannel(name)).toBeUndefined()
  })
})

const other = '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f'
const at = 1795391116555
const iso = '2026-11-22T23:45:16.555Z'
const placed = { roomId: id, epoch: 'k3Jd', offset: 12, senderId: other, clientMessageId: 'c-1' }
const about = { eventId: id, messageId: other }
const who = { messageId: other, senderId: other, clientMessageId: 'c-1' }
const post = {
  ...placed,
  messageId: id,
  body: 'hi',
  postedAt: at,
  messageNumber: 9,
  replyTo: null,
  threadId: null,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
}

describe('a room publication', () => {
  it('is the event without what the channel says already, its time in ISO 8601', () => {
    expect(roomPublication({ type: 'MessagePosted', value: post })).toEqual({
      type: 'message.posted',
      messageId: id,
      messageNumber: 9,
      senderId: other,
      clientMessageId: 'c-1',
      body: 'hi',
      postedAt: iso,
    })
  })

  it('has what a message has besides its text', () => {
    const more = { replyTo: other, threadId: id, mentions: [other], trackId: id, trackPositionMs: 0 }
    expect(roomPublication({ type: 'MessagePosted', value: { ...post, ...more } })).toMatchObject(more)
  })

  it.each<[ChatEvent, object]>([
    [
      { type: 'MessageEdited', value: { ...placed, ...about, body: 'ho', mentions: [id], editedAt: at } },
      { type: 'message.edited', ...who, body: 'ho', mentions: [id], editedAt: iso },
    ],
    [
      { type: 'MessageDeleted', value: { ...placed, ...about, deletedAt: at } },
      { type: 'message.deleted', ...who, deletedAt: iso },
    ],
    [
      { type: 'ReactionAdded', value: { ...placed, ...about, reaction: '🎧', count: 2, reactedAt: at } },
      { type: 'reaction.added', ...who, reaction: '🎧', count: 2, reactedAt: iso },
    ],
    [
      { type: 'ReactionRemoved', value: { ...placed, ...about, reaction: '🎧', count: 0, reactedAt: at } },
      { type: 'reaction.removed', ...who, reaction: '🎧', count: 0, reactedAt: iso },
    ],
  ])('of what became of a message names it: %#', (event, publication) => {
    expect(roomPublication(event)).toEqual(publication)
    expect(eventTime(event)).toBe(at)
  })
})

describe("a user's publication", () => {
  it('is a refusal without who is told it', () => {
    const refused = { userId: id, roomId: id, clientMessageId: 'c-1', code: 'not-a-member', refusedAt: 1 }
    expect(userPublication(refused)).toEqual({
      ...{ type: 'rejected', roomId: id, clientMessageId: 'c-1', code: 'not-a-member' },
    })
  })

  it('is how far a track has come, and why it failed', () => {
    const news = { userId: id, trackId: id, status: 'processing', percent: 42, code: null, at: 1 }
    expect(userPublication(news)).toEqual({ type: 'track', trackId: id, status: 'processing', percent: 42 })
    expect(userPublication({ ...news, status: 'failed', code: 'corrupt' })).toMatchObject({
      ...{ status: 'failed', code: 'corrupt' },
    })
    // A later writer's word that this reader doesn't know.
    expect(userPublication({ ...news, status: 'queued' })).toMatchObject({ status: 'processing' })
  })
})
