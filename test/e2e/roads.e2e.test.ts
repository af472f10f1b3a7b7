import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { connectSdk } from '../support/sdk.ts'
import {
  about,
  ann,
  bob,
  byHttp,
  byWebSocket,
  gone,
  hooks,
  keeper,
  known,
  mine,
  openRoom,
  post,
  reacted,
  sdk,
  theirs,
  travel,
  waiting,
  type Case,
  type Outcome,
} from './roads.ts'

hooks()

const track = '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11'
const nothing = randomUUID()
const many = (n: number) => Array.from({ length: n }, () => randomUUID())

describe('a command has the same outcome by either road', () => {
  it.each<[string, Case, Outcome | { published: object }]>([
    ['a post', { ask: () => post() }, { published: { type: 'message.posted', senderId: 'bob', offset: 1 } }],
    ['the longest', { ask: () => post({ body: '🎧'.repeat(4_000) }) }, { published: { messageNumber: 1 } }],
    [
      'a reply',
      { before: theirs, ask: ({ target }) => post({ replyTo: target }) },
      { published: { replyTo: 'target', threadId: 'target' } },
    ],
    ['a mention', { ask: ({ ann: id }) => post({ mentions: [id] }) }, { published: { mentions: ['ann'] } }],
    ['a track', { ask: () => post({ trackId: track }) }, { published: { trackId: track } }],
    [
      'fields of no use',
      { ask: () => post({ colour: 'red', replyTo: null }) },
      { published: { body: 'hello' } },
    ],
    [
      'an edit',
      { before: mine, ask: about('message.edit', { body: 'ho' }) },
      { published: { type: 'message.edited', messageId: 'target', body: 'ho' } },
    ],
    ['a deletion', { before: mine, ask: about('message.delete') }, { published: { messageId: 'target' } }],
    [
      'a reaction',
      { before: theirs, ask: about('reaction.add', { reaction: '🎧' }) },
      { published: { type: 'reaction.added', reaction: '🎧', count: 1 } },
    ],
    [
      'a reaction taken back',
      { before: reacted, ask: about('reaction.remove', { reaction: 'x' }) },
      { published: { type: 'reaction.removed', count: 0 } },
    ],

    [
      'no name',
      { ask: () => post({ clientMessageId: undefined }) },
      { refused: 'invalid-client-message-id' },
    ],
    ['an empty name', { ask: () => post({ clientMessageId: '' }) }, { refused: 'invalid-client-message-id' }],
    [
      'a long name',
      { ask: () => post({ clientMessageId: 'x'.repeat(65) }) },
      { refused: 'invalid-client-message-id' },
    ],
    [
      'a number for a name',
      { ask: () => post({ clientMessageId: 17 }) },
      { refused: 'invalid-client-message-id' },
    ],
    ['no body', { ask: () => post({ body: undefined }) }, { refused: 'body-invalid' }],
    ['a number for a body', { ask: () => post({ body: 17 }) }, { refused: 'body-invalid' }],
    ['an empty body', { ask: () => post({ body: '' }) }, { refused: 'body-empty' }],
    ['white space', { ask: () => post({ body: ' \n ' }) }, { refused: 'body-empty' }],
    ['a long body', { ask: () => post({ body: 'x'.repeat(4_001) }) }, { refused: 'body-too-long' }],
    ['NUL', { ask: () => post({ body: 'a\0b' }) }, { refused: 'body-invalid' }],
    ['half a character', { ask: () => post({ body: 'a\ud800b' }) }, { refused: 'body-invalid' }],
    ['a reply to no id', { ask: () => post({ replyTo: 'x' }) }, { refused: 'invalid-reply-to' }],
    ['a reply to a number', { ask: () => post({ replyTo: 1 }) }, { refused: 'invalid-reply-to' }],
    ['a mention that is text', { ask: () => post({ mentions: 'ann' }) }, { refused: 'invalid-mentions' }],
    ['a mention of a number', { ask: () => post({ mentions: [1] }) }, { refused: 'invalid-mentions' }],
    ['51 mentions', { ask: () => post({ mentions: many(51) }) }, { refused: 'invalid-mentions' }],
    ['a mention twice', { ask: () => post({ mentions: [track, track] }) }, { refused: 'invalid-mentions' }],
    [
      'a track that is no id',
      { ask: () => post({ trackId: track.toUpperCase() }) },
      { refused: 'invalid-track-id' },
    ],
    [
      'a place in no track',
      { ask: () => post({ trackPositionMs: 1_000 }) },
      { refused: 'invalid-track-position' },
    ],
    [
      'a place before the track',
      { ask: () => post({ trackId: track, trackPositionMs: -1 }) },
      { refused: 'invalid-track-position' },
    ],
    [
      'an edit of no id',
      { ask: () => about('message.edit', { body: 'x' })({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],
    [
      'an edit to nothing',
      { before: mine, ask: about('message.edit', { body: '' }) },
      { refused: 'body-empty' },
    ],
    [
      'a deletion of no id',
      { ask: () => about('message.delete')({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],
    [
      'a deletion without a name',
      { before: mine, ask: about('message.delete', { clientMessageId: undefined }) },
      { refused: 'invalid-client-message-id' },
    ],
    [
      'white space for a reaction',
      { before: theirs, ask: about('reaction.add', { reaction: ' ' }) },
      { refused: 'invalid-reaction' },
    ],
    [
      'a long reaction',
      { before: theirs, ask: about('reaction.add', { reaction: 'x'.repeat(33) }) },
      { refused: 'invalid-reaction' },
    ],
    [
      'a reaction to no id',
      { ask: () => about('reaction.remove', { reaction: 'x' })({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],

    ['a stranger’s post', { stranger: true, ask: () => post() }, { refused: 'not-a-member' }],
    [
      'a stranger’s post in a private room',
      { stranger: true, visibility: 'private', ask: () => post() },
      { refused: 'room-not-found' },
    ],
    [
      'a post of somebody banned',
      { stranger: true, before: keeper('PUT', '/bans/BOB'), ask: () => post() },
      { refused: 'not-a-member' },
    ],

    ['a reply to nothing', { ask: () => post({ replyTo: nothing }) }, { rejected: 'message-not-found' }],
    [
      'a reply to what is deleted',
      { before: gone, ask: ({ target }) => post({ replyTo: target }) },
      { rejected: 'message-deleted' },
    ],
    [
      'an edit of nothing',
      { ask: () => about('message.edit', { body: 'x' })({ target: nothing }) },
      { rejected: 'message-not-found' },
    ],
    [
      'an edit of another’s',
      { before: theirs, ask: about('message.edit', { body: 'x' }) },
      { rejected: 'not-author' },
    ],
    ['a deletion of another’s', { before: theirs, ask: about('message.delete') }, { rejected: 'not-author' }],
    ['a second deletion', { before: gone, ask: about('message.delete') }, { rejected: 'message-deleted' }],
    [
      'a second reaction',
      { before: reacted, ask: about('reaction.add', { reaction: 'x' }) },
      { rejected: 'already-reacted' },
    ],
    [
      'taking back what is not',
      { before: theirs, ask: about('reaction.remove', { reaction: 'x' }) },
      { rejected: 'not-reacted' },
    ],
    [
      'a post by somebody muted',
      { before: keeper('PUT', '/members/BOB/mute', { seconds: 600 }), ask: () => post() },
      { rejected: 'muted' },
    ],
    [
      'a blocked word',
      { before: keeper('PUT', '/blocked-words', { words: ['hello'] }), ask: () => post() },
      { rejected: 'blocked-word' },
    ],
    [
      'a post in an archived room',
      { before: keeper('PATCH', '', { archived: true }), ask: () => post() },
      { rejected: 'room-archived' },
    ],
    [
      'a post too soon',
      {
        async before(room) {
          await keeper('PATCH', '', { slowModeSeconds: 600 })(room)
          return { target: await room.say(bob) }
        },
        ask: () => post(),
      },
      { rejected: 'slow-mode' },
    ],
  ])('%s', async (_, given, expected) => {
    const [live, posted] = await Promise.all([travel(byWebSocket, given), travel(byHttp, given)])
    expect(posted).toEqual(live)
    expect(live).toMatchObject(expected)
  })

  it('one that is larger than any road carries is 413 by HTTP and cuts the WebSocket, which comes back', async () => {
    const room = await openRoom('public', true)
    const own = await connectSdk(inject('veza').ws, known(bob).token)
    onTestFinished(() => {
      own.close()
    })
    const { client } = own
    const fields = { ...post({ body: 'x'.repeat(100_000) }), clientMessageId: 'too large' }
    expect(await byHttp(room.roomId, fields)).toBe('body-too-large')
    const cuts: number[] = []
    client.on('connecting', ({ code }) => cuts.push(code))
    await expect(client.publish(`room:${room.roomId}`, fields)).rejects.toMatchObject({
      message: 'connection closed',
    })
    await client.ready(30_000)
    // The library sends no closing frame: the SDK takes it for a lost connection.
    expect(cuts).toEqual([1])
    expect(await byHttp(room.roomId, { ...post(), clientMessageId: 'next' })).toBeUndefined()
    await expect.poll(() => room.events.map((event) => event.clientMessageId), waiting).toEqual(['next'])
  })

  it('one to what is no room’s id is 400 by HTTP and an unknown channel by WebSocket', async () => {
    for (const roomId of ['not-a-uuid', '0198F3C2-7A51-7C3E-9D10-5A4F0E6B2C11', ' ']) {
      const fields = { ...post(), clientMessageId: 'nowhere' }
      expect(await byHttp(encodeURIComponent(roomId), fields)).toBe('invalid-request')
      await expect(sdk.client.publish(`room:${roomId}`, fields)).rejects.toMatchObject({ code: 102 })
    }
  })

  it('a command that came by one is the same when it comes by the other', async () => {
    const room = await openRoom('public', true)
    const fields = { ...post(), clientMessageId: 'once' }
    for (const road of [byWebSocket, byHttp, byHttp, byWebSocket])
      expect(await road(room.roomId, fields)).toBeUndefined()
    await room.say(ann)
    expect(room.events.map(({ clientMessageId }) => clientMessageId).filter((one) => one === 'once')).toEqual(
      ['once'],
    )
    expect(room.events).toHaveLength(2)
  })
})
