import { describe, expect, it } from 'vitest'
import { type RoomEvent } from '../live/publications.ts'
import { type Comment, commentOf, dueComment, evolveComments } from './comment-log.ts'

const sent = { senderId: 'ann', clientMessageId: 'c' }
const post = (messageId: string, more: object = {}): RoomEvent & { type: 'message.posted' } => ({
  type: 'message.posted',
  ...sent,
  messageId,
  messageNumber: 1,
  body: messageId,
  postedAt: '2026-11-24T20:00:00.000Z',
  trackId: 'song',
  trackPositionMs: 1_000,
  ...more,
})
const comment = (messageId: string, atMs: number): Comment => ({
  messageId,
  senderId: 'ann',
  body: messageId,
  atMs,
})

describe('comments of a track', () => {
  it('are what was said of a place in it, and was not deleted', () => {
    expect(commentOf(post('1'), 'song')).toEqual(comment('1', 1_000))
    expect(commentOf(post('1', { trackPositionMs: 0 }), 'song')).toEqual(comment('1', 0))
    expect(commentOf(post('1'), 'another')).toBeUndefined()
    expect(commentOf(post('1', { trackPositionMs: undefined }), 'song')).toBeUndefined()
    expect(commentOf({ ...post('1'), deletedAt: '2026-11-24T20:00:00.000Z' }, 'song')).toBeUndefined()
  })

  it('follow what happens in the room, each once', () => {
    const about = { ...sent, messageId: '1' }
    const events: readonly RoomEvent[] = [
      post('1'),
      post('1'),
      post('2', { trackId: 'another' }),
      { type: 'message.edited', ...about, body: 'better', editedAt: '' },
      { type: 'reaction.added', ...about, reaction: '+1', count: 1 },
      { type: 'message.deleted', ...sent, messageId: '3', deletedAt: '' },
    ]
    let comments: readonly Comment[] = []
    for (const event of events) comments = evolveComments(comments, event, 'song')
    expect(comments).toEqual([{ ...comment('1', 1_000), body: 'better' }])
    expect(evolveComments(comments, { type: 'message.deleted', ...about, deletedAt: '' }, 'song')).toEqual([])
  })

  it('are due when their place has come, for a while, the last one of several', () => {
    const comments = [comment('late', 3_000), comment('early', 1_000), comment('same', 1_000)]
    expect(dueComment(comments, 999)).toBeUndefined()
    expect(dueComment(comments, 1_000)?.messageId).toBe('early')
    expect(dueComment(comments, 3_000)?.messageId).toBe('late')
    expect(dueComment(comments, 8_999)?.messageId).toBe('late')
    expect(dueComment(comments, 9_000)).toBeUndefined()
  })
})
