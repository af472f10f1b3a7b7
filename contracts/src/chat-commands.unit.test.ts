import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChatCommand, commandFields, commandRecord, readChatCommand } from './chat-commands.ts'
import { limits } from './limits.ts'

const id = '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f'
const other = '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f'
const ids = (n: number) =>
  Array.from({ length: n }, (_, index) => `0198c3a4-7f10-7c3e-9d51-${index.toString(16).padStart(12, '0')}`)
const name = { clientMessageId: 'c-1' }
const post = { type: 'message.post', ...name, body: 'hi' }

const commands: ChatCommand[] = [
  {
    type: 'message.post',
    ...name,
    body: 'hi',
    replyTo: null,
    mentions: [],
    trackId: null,
    trackPositionMs: null,
  },
  {
    type: 'message.post',
    ...name,
    body: 'hi',
    replyTo: id,
    mentions: [id, other],
    trackId: other,
    trackPositionMs: 0,
  },
  { type: 'message.edit', ...name, messageId: id, body: 'ho', mentions: [id] },
  { type: 'message.delete', ...name, messageId: id },
  { type: 'reaction.add', ...name, messageId: id, reaction: '👨‍👩‍👧' },
  { type: 'reaction.remove', ...name, messageId: id, reaction: '+1' },
]

describe('a command', () => {
  it.each(commands)('of type $type is read as it was given, without what it does not have', (command) => {
    expect(readChatCommand({ ...command, admin: true })).toEqual(command)
  })

  it.each(commands)('of type $type comes back from its record', (command) => {
    const record = commandRecord(command, { roomId: id, senderId: other, sentAt: 7 })
    expect(record.value).toMatchObject({ roomId: id, senderId: other, sentAt: 7 })
    expect(readChatCommand(commandFields(record))).toEqual(command)
  })

  it('may leave out who is mentioned, what it answers and which track it shows', () => {
    expect(readChatCommand(post)).toEqual(commands[0])
    expect(
      readChatCommand({ ...post, replyTo: null, mentions: null, trackId: null, trackPositionMs: null }),
    ).toEqual(commands[0])
  })

  it.each([
    [{}, 'unknown-type'],
    [{ ...post, type: 'message.pin' }, 'unknown-type'],
    [{ ...post, type: 'constructor' }, 'unknown-type'],
    [{ ...post, body: '' }, 'body-empty'],
    [{ ...post, clientMessageId: '' }, 'invalid-client-message-id'],
    [{ ...post, replyTo: 'first' }, 'invalid-reply-to'],
    [{ ...post, replyTo: id.toUpperCase() }, 'invalid-reply-to'],
    [{ ...post, trackId: 7 }, 'invalid-track-id'],
    [{ ...post, trackPositionMs: 1_000 }, 'invalid-track-position'],
    [{ ...post, trackId: id, trackPositionMs: -1 }, 'invalid-track-position'],
    [{ ...post, trackId: id, trackPositionMs: 0.5 }, 'invalid-track-position'],
    [{ ...post, trackId: id, trackPositionMs: '1000' }, 'invalid-track-position'],
    [{ ...post, trackId: id, trackPositionMs: limits.trackPositionMs + 1 }, 'invalid-track-position'],
    [{ ...post, mentions: [id, id] }, 'invalid-mentions'],
    [{ ...post, mentions: ['everybody'] }, 'invalid-mentions'],
    [{ ...post, mentions: { length: 1 } }, 'invalid-mentions'],
    [{ ...post, mentions: ids(limits.mentions + 1) }, 'invalid-mentions'],
    [{ ...post, type: 'message.edit' }, 'invalid-message-id'],
    [{ ...post, type: 'message.edit', messageId: id, body: ' ' }, 'body-empty'],
    [{ ...post, type: 'message.edit', messageId: id, mentions: [1] }, 'invalid-mentions'],
    [{ type: 'message.delete', ...name, messageId: `${id}\n` }, 'invalid-message-id'],
    [{ type: 'message.delete', messageId: id }, 'invalid-client-message-id'],
    [{ type: 'reaction.add', ...name, messageId: id }, 'invalid-reaction'],
    [{ type: 'reaction.add', ...name, messageId: id, reaction: '' }, 'invalid-reaction'],
    [{ type: 'reaction.add', ...name, messageId: id, reaction: 'thumbs up' }, 'invalid-reaction'],
    [{ type: 'reaction.add', ...name, messageId: id, reaction: '\ud83c' }, 'invalid-reaction'],
    [{ type: 'reaction.add', ...name, messageId: id, reaction: 'a\0' }, 'invalid-reaction'],
    [{ type: 'reaction.remove', ...name, messageId: id, reaction: 'x'.repeat(33) }, 'invalid-reaction'],
  ])('%j is none', (fields, code) => {
    expect(readChatCommand(fields)).toEqual({ code })
  })

  it('takes as many mentions and as long a reaction as the limits say', () => {
    expect(readChatCommand({ ...post, mentions: ids(limits.mentions) })).not.toHaveProperty('code')
    const reaction = '🎧'.repeat(limits.reaction)
    expect(readChatCommand({ ...commands[4], reaction })).toMatchObject({ reaction })
  })

  it('whatever a client sends, is one of its type’s fields or has a code', () => {
    const value = fc.oneof(fc.anything(), fc.constantFrom(...commands.map((c) => c.type), id, [id], 'hi'))
    const keys = [
      'type',
      'clientMessageId',
      'body',
      'messageId',
      'replyTo',
      'mentions',
      'trackId',
      'reaction',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), (fields) => {
        const read = readChatCommand(fields)
        if ('code' in read) expect(read.code).toMatch(/^[a-z-]+$/)
        else expect(readChatCommand({ ...read })).toEqual(read)
      }),
      { seed: 20261124, numRuns: 2_000 },
    )
  })
})
