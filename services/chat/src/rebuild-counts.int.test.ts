import { createLog } from '@veza/kit/log'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openChatOperations } from './index.ts'
import { type ChatUnderTest, chatUnderTest, type Fields, type UnreadBody } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

it('makes damaged counts right again, while people talk, and finds nothing the second time', async () => {
  const [ana, ben] = [await veza.person(), await veza.person()]
  const room = await ana.createRoom('public')
  await ben.call('POST', `/v1/rooms/${room}/members`, {})
  let names = 0
  const ask = async (sender: string, content: Fields) => {
    const command = veza.command(room, sender, { ...content, clientMessageId: `c${names++}` })
    const [outcome] = await veza.settle([command])
    expect(outcome?.type).not.toBe('refused')
    return command.eventId
  }
  const post = (body: string, mentions: string[] = [], replyTo: string | null = null) =>
    ask(ana.userId, { type: 'message.post', body, mentions, replyTo, trackId: null, trackPositionMs: null })
  // What mentioned somebody before they left, or while they were out, is not theirs when they come back.
  await post('before', [ben.userId])
  await ben.call('DELETE', `/v1/rooms/${room}/members/me`)
  await post('meanwhile', [ben.userId])
  await ben.call('POST', `/v1/rooms/${room}/members`, {})
  const root = await post('root', [ben.userId])
  await post('reply', [], root)
  const edited = await post('edited', [])
  await ask(ana.userId, { type: 'message.edit', messageId: edited, body: 'Ben?', mentions: [ben.userId] })
  const deleted = await post('deleted', [ben.userId])
  await ask(ana.userId, { type: 'message.delete', messageId: deleted })
  await ask(ben.userId, { type: 'reaction.add', messageId: root, reaction: 'x' })
  const state = async () => {
    const { unread } = (await ben.call<{ unread: UnreadBody }>('GET', `/v1/rooms/${room}`)).body
    const counts = (await ben.call<{ counts: object }>('GET', '/v1/notifications')).body.counts
    const { rows: mentions } = await veza.database.pool.query('select * from mentions order by 1, 2, 3')
    const found = await ben.call<object>('GET', `/v1/rooms/${room}/messages/${root}`)
    return { unread, counts, mentions, root: found.body }
  }
  const right = await state()
  expect(right).toMatchObject({
    unread: { messages: 4, mentions: 2 },
    root: { replies: 1, reactions: [{ reaction: 'x', count: 1 }] },
  })

  const damage = async (text: string) => veza.database.pool.query(text)
  await damage('update room_heads set last_message_number = 90')
  await damage('update room_events set reply_count = reply_count + 3')
  await damage(`update reaction_counts set count = 7`)
  await damage(`insert into reaction_counts values ('${root}', 'y', 2)`)
  await damage(`delete from mentions where message_id = '${root}'`)
  await damage(`insert into mentions values ('${ben.userId}', '${room}', 6, '${deleted}')`)
  await damage(`update members set read_number = 80 where user_id = '${ana.userId}'`)
  expect(await state()).not.toEqual(right)

  const operations = openChatOperations(veza.databaseUrl, createLog('test', 'silent'))
  try {
    const { wrong } = await operations.rebuildCounts(undefined, () => undefined)
    expect(wrong).toBeGreaterThan(6)
    expect(await state()).toEqual(right)
    expect(await operations.rebuildCounts(room, () => undefined)).toEqual({ rooms: 1, wrong: 0 })

    // Whatever the interleaving, a post is counted once.
    await Promise.all([
      ...Array.from({ length: 10 }, () => operations.rebuildCounts(room, () => undefined)),
      ...Array.from({ length: 10 }, (_, n) => post(`live ${n}`, [ben.userId])),
    ])
    expect((await state()).unread).toMatchObject({ messages: 14, mentions: 12 })
    expect(await operations.rebuildCounts(room, () => undefined)).toEqual({ rooms: 1, wrong: 0 })
  } finally {
    await operations.close()
  }
})
