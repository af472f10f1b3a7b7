import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeIdOf } from './store.ts'
import {
  type ChatUnderTest,
  type Fields,
  chatUnderTest,
  type MessageBody,
  type MessagePage,
} from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('messages', () => {
  it('shows history newest first, page by page, to members and, in public rooms, to everybody', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    const path = `/v1/rooms/${room}/messages`
    expect((await ben.call<MessagePage>('GET', path)).body).toMatchObject({ messages: [], next: null })
    await veza.say(room, ana.userId, ['one', 'two', 'three', 'four', 'five'])
    const first = (await ben.call<MessagePage>('GET', `${path}?limit=2`)).body
    expect(first.messages.map((message) => [message.offset, message.body])).toEqual([
      [5, 'five'],
      [4, 'four'],
    ])
    const second = (await ana.call<MessagePage>('GET', `${path}?limit=3&before=${first.next ?? ''}`)).body
    expect(second.messages.map((message) => message.body)).toEqual(['three', 'two', 'one'])
    expect(second).toMatchObject({ epoch: first.epoch, offset: 5, next: null })
    const back = (await ana.call<MessagePage>('GET', `${path}?limit=1&after=${second.previous ?? ''}`)).body
    expect(back.messages.map((message) => message.body)).toEqual(['four'])
    expect((await ana.call<MessagePage>('GET', `${path}?after=${back.previous ?? ''}`)).body).toMatchObject({
      messages: [{ body: 'five' }],
      previous: null,
    })
    expect((await ana.call('GET', `${path}?before=5`)).body.code).toBe('invalid-request')
  })

  it('shows what lies around a message and around a time, and a message by its link', async () => {
    const ana = await veza.person()
    const room = await ana.createRoom('private')
    const path = `/v1/rooms/${room}/messages`
    const texts = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
    for (const [index, text] of texts.entries())
      await veza.say(room, ana.userId, [text], 1_000_000 + 1_000 * index)
    const bodies = async (query: string) =>
      (await ana.call<MessagePage>('GET', `${path}?${query}`)).body.messages.map((message) => message.body)
    const link = (text: string) => outcomeIdOf(room, ana.userId, text)
    expect(await bodies(`around=${link('5')}&limit=4`)).toEqual(['6', '5', '4', '3'])
    expect(await bodies(`around=${link('1')}&limit=4`)).toEqual(['2', '1'])
    const at = (ms: number) => `at=${encodeURIComponent(new Date(ms).toISOString())}`
    expect(await bodies(`${at(1_003_500)}&limit=2`)).toEqual(['5', '4'])
    expect(await bodies(`${at(1_003_000)}&limit=2`)).toEqual(['4', '3'])
    expect(await bodies(`${at(0)}&limit=4`)).toEqual(['2', '1'])
    expect(await bodies(`${at(2_000_000)}&limit=4`)).toEqual(['9', '8'])
    const page = await ana.call<MessagePage>('GET', `${path}?around=${link('5')}&limit=2`)
    expect(page.body.next).not.toBeNull()
    expect(page.body.previous).not.toBeNull()
    expect((await ana.call('GET', `${path}/${link('5')}`)).body).toMatchObject({
      body: '5',
      messageNumber: 5,
    })
    for (const unknown of [randomUUID(), outcomeIdOf(randomUUID(), ana.userId, '5')])
      for (const query of [`${path}/${unknown}`, `${path}?around=${unknown}`, `${path}/${unknown}/thread`])
        expect(await ana.call('GET', query)).toMatchObject({
          status: 404,
          body: { code: 'message-not-found' },
        })
    for (const query of [`around=${link('5')}&${at(0)}`, `around=5`, 'at=yesterday', `before=x`])
      expect((await ana.call('GET', `${path}?${query}`)).body.code).toBe('invalid-request')
    const ben = await veza.person()
    for (const query of [`${path}/${link('5')}`, `${path}?around=${link('5')}`, `${path}?${at(0)}`])
      expect((await ben.call('GET', query)).body.code).toBe('room-not-found')
  })

  it('shows messages as they stand: edits, reactions, replies, deletions', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    await ben.call('POST', `/v1/rooms/${room}/members`, {})
    const path = `/v1/rooms/${room}/messages`
    const ask = (sender: string, name: string, fields: Fields) =>
      veza.settle([
        {
          eventId: outcomeIdOf(room, sender, name),
          roomId: room,
          senderId: sender,
          clientMessageId: name,
          content: { ...fields, clientMessageId: name },
        },
      ])
    const plain = {
      type: 'message.post',
      replyTo: null,
      mentions: [],
      trackId: null,
      trackPositionMs: null,
    } as const
    const first = outcomeIdOf(room, ana.userId, '1')
    const trackId = randomUUID()
    await ask(ana.userId, '1', {
      ...plain,
      body: 'hello',
      mentions: [ben.userId],
      trackId,
      trackPositionMs: 0,
    })
    await ask(ben.userId, '1', { ...plain, body: 'reply', replyTo: first })
    await ask(ana.userId, '2', { ...plain, body: 'reply too', replyTo: outcomeIdOf(room, ben.userId, '1') })
    await ask(ben.userId, '2', { type: 'reaction.add', messageId: first, reaction: '🎧' })
    await ask(ana.userId, '3', { type: 'message.edit', messageId: first, body: 'ho', mentions: [] })

    const shown = (await ben.call<MessagePage>('GET', path)).body
    expect(shown.offset).toBe(5)
    expect(shown.messages.map((message) => message.body)).toEqual(['reply too', 'reply', 'ho'])
    expect(shown.messages[2]).toEqual({
      type: 'message.posted',
      offset: 1,
      messageNumber: 1,
      messageId: first,
      senderId: ana.userId,
      clientMessageId: '1',
      body: 'ho',
      trackId,
      trackPositionMs: 0,
      postedAt: expect.any(String) as string,
      editedAt: expect.any(String) as string,
      replies: 2,
      reactions: [{ reaction: '🎧', count: 1, mine: true }],
    })
    expect((await ana.call<MessagePage>('GET', path)).body.messages[2]).toMatchObject({
      reactions: [{ reaction: '🎧', count: 1, mine: false }],
    })
    await ask(ana.userId, '5', { ...plain, body: 'of another place', trackId, trackPositionMs: 83_500 })
    await ask(ana.userId, '6', { ...plain, body: 'of no place', trackId })
    const ofTrack = async (query = ''): Promise<MessagePage> =>
      (await ben.call<MessagePage>('GET', `${path}?trackId=${trackId}&limit=1${query}`)).body
    const comment = await ofTrack()
    expect(comment.messages).toMatchObject([{ body: 'of another place', trackPositionMs: 83_500 }])
    const earlier = await ofTrack(`&before=${comment.next ?? ''}`)
    expect(earlier).toMatchObject({ messages: [{ body: 'ho', trackPositionMs: 0 }], next: null })
    const thread = (
      await ana.call<MessagePage & { root: MessageBody }>('GET', `${path}/${first}/thread?limit=1`)
    ).body
    expect(thread.root.body).toBe('ho')
    expect(thread.messages).toMatchObject([{ body: 'reply too', threadId: first }])
    const older = await ana.call<MessagePage>('GET', `${path}/${first}/thread?before=${thread.next ?? ''}`)
    expect(older.body).toMatchObject({ messages: [{ body: 'reply', replyTo: first }], next: null })

    await ask(ana.userId, '4', { type: 'message.delete', messageId: first })
    const gone = (await ben.call<MessageBody>('GET', `${path}/${first}`)).body
    expect(gone).toMatchObject({ body: '', deletedAt: expect.any(String) as string, replies: 2 })
    for (const field of ['reactions', 'trackId', 'trackPositionMs', 'mentions', 'editedAt'])
      expect(gone).not.toHaveProperty(field)
  })

  it('finds messages in the rooms that one may read, as they stand, and page by page', async () => {
    const [ana, ben, cleo] = [await veza.person(), await veza.person(), await veza.person()]
    const [mine, open, hidden] = [
      await ana.createRoom('private'),
      await ben.createRoom('public'),
      await ben.createRoom('private'),
    ]
    interface Found {
      messages: (MessageBody & { roomId: string })[]
      next: string | null
      complete: boolean
    }
    const find = async (who: typeof ana, q: string, more = '') =>
      (await who.call<Found>('GET', `/v1/search?q=${encodeURIComponent(q)}${more}`)).body
    const bodies = async (who: typeof ana, q: string, more = '') =>
      (await find(who, q, more)).messages.map((message) => message.body)
    await veza.say(mine, ana.userId, ['a blue whale', 'a blue bird', 'Größe and WHALES'], 1_000)
    await veza.say(open, ben.userId, ['whale in the open'], 2_000)
    await veza.say(hidden, ben.userId, ['whale in secret'], 3_000)

    expect(await bodies(ana, 'whale')).toEqual(['a blue whale'])
    expect(await bodies(ana, '"blue bird"')).toEqual(['a blue bird'])
    expect(await bodies(ana, 'größe OR nothing')).toEqual(['Größe and WHALES'])
    expect(await bodies(ben, 'whale')).toEqual(['whale in secret', 'whale in the open'])
    expect(await bodies(cleo, 'whale')).toEqual([])
    expect(await bodies(cleo, 'whale', `&roomId=${open}`)).toEqual(['whale in the open'])
    expect((await cleo.call('GET', `/v1/search?q=whale&roomId=${hidden}`)).body.code).toBe('room-not-found')
    const first = await find(ben, 'whale', '&limit=1')
    expect(first).toMatchObject({ complete: true, messages: [{ roomId: hidden }] })
    expect(await bodies(ben, 'whale', `&limit=1&cursor=${first.next ?? ''}`)).toEqual(['whale in the open'])

    // What was found once is found as it is now.
    const ask = (name: string, fields: Fields) =>
      veza.settle([
        {
          eventId: outcomeIdOf(mine, ana.userId, name),
          roomId: mine,
          senderId: ana.userId,
          clientMessageId: name,
          content: { ...fields, clientMessageId: name },
        },
      ])
    const about = (text: string) => ({ messageId: outcomeIdOf(mine, ana.userId, text) })
    await ask('e', { type: 'message.edit', ...about('a blue bird'), body: 'a red whale', mentions: [] })
    await ask('d', { type: 'message.delete', ...about('a blue whale') })
    expect(await bodies(ana, 'whale')).toEqual(['a red whale'])
    expect(await bodies(ana, 'blue')).toEqual([])
    const { rows } = await veza.database.pool.query('select 1 from message_search where message_id = $1', [
      about('a blue whale').messageId,
    ])
    expect(rows).toEqual([])
    for (const query of [
      'q=',
      'q=a%00b',
      `q=${'x'.repeat(201)}`,
      'q=a&cursor=x',
      'q=a&limit=0',
      'q=a&roomId=x',
      '',
    ])
      expect((await ana.call('GET', `/v1/search?${query}`)).body.code).toBe('invalid-request')
    for (const q of ['((', "'", '& | !', '\\', '🎧', 'a:*', '<->'])
      expect((await ana.call('GET', `/v1/search?q=${encodeURIComponent(q)}`)).status).toBe(200)
  })
})
