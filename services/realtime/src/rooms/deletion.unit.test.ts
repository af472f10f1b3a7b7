import { roomPublication } from '@veza/contracts'
import { describe, expect, it } from 'vitest'
import { deletedMessage, withoutText } from './deletion.ts'

const placed = { roomId: 'r', epoch: 'e', offset: 1, senderId: 'ana', clientMessageId: 'c' }
const about = { ...placed, eventId: 'e1', messageId: 'm1' }
const post = {
  ...placed,
  messageId: 'm1',
  body: 'a secret',
  postedAt: 0,
  messageNumber: 1,
  replyTo: null,
  threadId: null,
  mentions: ['ben'],
  trackId: 't1',
  trackPositionMs: 0,
}
const data = {
  post: JSON.stringify(roomPublication({ type: 'MessagePosted', value: post })),
  reply: JSON.stringify(
    roomPublication({ type: 'MessagePosted', value: { ...post, messageId: 'm2', replyTo: 'm1' } }),
  ),
  edit: JSON.stringify(
    roomPublication({
      type: 'MessageEdited',
      value: { ...about, body: 'secret', mentions: ['ben'], editedAt: 0 },
    }),
  ),
  deletion: JSON.stringify(roomPublication({ type: 'MessageDeleted', value: { ...about, deletedAt: 0 } })),
  reaction: JSON.stringify(
    roomPublication({ type: 'ReactionAdded', value: { ...about, reaction: '+1', count: 1, reactedAt: 0 } }),
  ),
}

describe('a deletion', () => {
  it('is known among the other publications, and names its message', () => {
    expect(deletedMessage(data.deletion)).toBe('m1')
    for (const other of [data.post, data.reply, data.edit, data.reaction])
      expect(deletedMessage(other)).toBeUndefined()
  })

  it('takes the text of a message and of its edits, and nothing else', () => {
    const blank = { body: '', messageId: 'm1', senderId: 'ana' }
    for (const publication of [data.post, data.edit]) {
      const after = JSON.parse(withoutText(publication, 'm1')) as object
      expect(after).toMatchObject(blank)
      expect(after).not.toHaveProperty('mentions')
      expect(after).not.toHaveProperty('trackId')
      expect(after).not.toHaveProperty('trackPositionMs')
    }
    for (const other of [data.reply, data.deletion, data.reaction])
      expect(withoutText(other, 'm1')).toBe(other)
    expect(withoutText(data.post, 'm9')).toBe(data.post)
  })
})
