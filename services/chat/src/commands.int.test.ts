import { randomUUID } from 'node:crypto'
import { topics } from '@veza/contracts'
import { serve } from '@veza/kit/http'
import { ProduceFailed } from '@veza/kit/kafka'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeIdOf } from './store.ts'
import { type ChatUnderTest, chatUnderTest } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('commands', () => {
  it('puts every command on the same topic as the WebSocket edge does', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    const [messageId, trackId] = [randomUUID(), randomUUID()]
    const path = `/v1/rooms/${room}/messages`
    const name = { clientMessageId: 'c1' }
    const more = { replyTo: messageId, mentions: [ben.userId], trackId, trackPositionMs: 83_500 }
    for (const [method, url, body, type, fields] of [
      ['POST', path, { ...name, body: 'hello', ...more }, 'PostMessage', { body: 'hello', ...more }],
      ['PATCH', `${path}/${messageId}`, { ...name, body: 'ho' }, 'EditMessage', { body: 'ho', mentions: [] }],
      ['DELETE', `${path}/${messageId}?clientMessageId=c1`, undefined, 'DeleteMessage', {}],
      [
        'PUT',
        `${path}/${messageId}/reactions/${encodeURIComponent('🎧')}?clientMessageId=c1`,
        undefined,
        'AddReaction',
        { reaction: '🎧' },
      ],
      [
        'DELETE',
        `${path}/${messageId}/reactions/+1?clientMessageId=c1`,
        undefined,
        'RemoveReaction',
        { reaction: '+1' },
      ],
    ] as const) {
      expect(await ana.call(method, url, body)).toMatchObject({ status: 202 })
      const decoded = veza.codec.decode(topics.chatCommands, veza.sent.at(-1)?.value ?? Buffer.alloc(0))
      const value = { roomId: room, senderId: ana.userId, clientMessageId: 'c1', ...fields }
      expect(decoded).toMatchObject({ type, value: method === 'POST' ? value : { messageId, ...value } })
      const before = veza.sent.length
      expect((await ben.call(method, url, body)).body.code).toBe('not-a-member')
      expect(
        (await ana.call(method, url.replace('c1', ''), body && { ...body, clientMessageId: '' })).status,
      ).toBe(400)
      expect(veza.sent).toHaveLength(before)
    }
    for (const [url, code] of [
      [`${path}/${messageId}/reactions/${'x'.repeat(33)}?clientMessageId=c1`, 'invalid-reaction'],
      [`${path}/${messageId}/reactions/a%20b?clientMessageId=c1`, 'invalid-reaction'],
      [`${path}/nonsense/reactions/x?clientMessageId=c1`, 'invalid-message-id'],
    ] as const)
      expect(await ana.call('PUT', url)).toMatchObject({ status: 400, body: { code } })
    expect(await ana.call('POST', path, { ...name, body: 'hi', mentions: ['x'] })).toMatchObject({
      status: 400,
      body: { code: 'invalid-mentions' },
    })
  })

  it('acknowledges a post that Kafka has, with the id of its outcome', async () => {
    const ana = await veza.person()
    const room = await ana.createRoom('private')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const answer = await ana.call<{ messageId: string }>(
      'POST',
      `/v1/rooms/${room}/messages`,
      { clientMessageId: 'c1', body: 'hello' },
      { traceparent },
    )
    expect(answer).toMatchObject({
      status: 202,
      body: { messageId: outcomeIdOf(room, ana.userId, 'c1') },
    })
    const record = veza.sent.at(-1)
    expect(record).toMatchObject({ topic: topics.chatCommands.name, key: room })
    expect(record?.headers).toMatchObject({ ce_type: 'PostMessage', ce_source: '/chat' })
    expect(String(record?.headers['traceparent'])).toContain('0af7651916cd43dd8448eb211c80319c')
    const decoded = veza.codec.decode(topics.chatCommands, record?.value ?? Buffer.alloc(0))
    expect(decoded).toMatchObject({
      type: 'PostMessage',
      value: { roomId: room, senderId: ana.userId, clientMessageId: 'c1', body: 'hello' },
    })
  })

  it('refuses strangers to a public room and contents that no edge lets through', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    const path = `/v1/rooms/${room}/messages`
    const stranger = await ben.call('POST', path, { clientMessageId: '1', body: 'hello' })
    expect([stranger.status, stranger.body.code]).toEqual([403, 'not-a-member'])
    for (const [content, code] of [
      [{ clientMessageId: '', body: 'hello' }, 'invalid-client-message-id'],
      [{ clientMessageId: 'x'.repeat(65), body: 'hello' }, 'invalid-client-message-id'],
      [{ clientMessageId: '1', body: ' ' }, 'body-empty'],
      [{ clientMessageId: '1', body: 'x'.repeat(4_001) }, 'body-too-long'],
      [{ clientMessageId: '1', body: 'a\0b' }, 'body-invalid'],
      [{ clientMessageId: 1, body: 'hello' }, 'invalid-client-message-id'],
      [{ body: 'hello' }, 'invalid-client-message-id'],
      [{ clientMessageId: '1', body: 'hello', mentions: 'ana' }, 'invalid-mentions'],
    ] as const)
      expect(await ana.call('POST', path, content)).toMatchObject({ status: 400, body: { code } })
  })

  it('answers 503 with Retry-After while Kafka is away, and 500 when the record is to blame', async () => {
    const ana = await veza.person()
    const path = `/v1/rooms/${await ana.createRoom('public')}/messages`
    const message = { clientMessageId: '1', body: 'hello' }
    veza.failKafka(new ProduceFailed('timed-out', 'no answer'))
    const away = await ana.call('POST', path, message)
    veza.failKafka(new ProduceFailed('too-large', 'too large'))
    const ours = await ana.call('POST', path, message)
    veza.failKafka(undefined)
    expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
    expect([ours.status, ours.body.code]).toEqual([500, 'internal'])
    expect((await ana.call('POST', path, message)).status).toBe(202)
  })

  it('answers over a real connection', async () => {
    const { token } = await veza.person()
    const server = await serve(veza.chat.app, { host: '127.0.0.1', port: 0 })
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/rooms`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await response.json()).toEqual({ rooms: [], next: null })
    await server.close()
  })
})

describe('whatever is sent', () => {
  it('is answered with a code of the client’s, never a failure of ours', async () => {
    const ana = await veza.person()
    const room = await ana.createRoom('private')
    const messages = `/v1/rooms/${room}/messages`
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(null, 0, -1, 1e300, '\0', '\ud800', room, [room, room], { toString: 'x' }),
    )
    const keys = [
      'clientMessageId',
      'body',
      'replyTo',
      'mentions',
      'trackId',
      'trackPositionMs',
      'userId',
      'role',
      'words',
      'reason',
    ]
    const body = fc.oneof(
      fc.dictionary(fc.constantFrom(...keys, 'messageNumber', 'seconds', 'archived'), value),
      value,
    )
    const segment = fc.oneof(
      fc.constantFrom('me', '%00', '..', '%ff', room.toUpperCase(), randomUUID()),
      fc.string({ minLength: 1, maxLength: 40 }).map(encodeURIComponent),
    )
    const path = fc.oneof(
      fc.constantFrom(
        messages,
        '/v1/rooms',
        '/v1/rooms/direct',
        `/v1/rooms/${room}/members`,
        `/v1/rooms/${room}/read`,
      ),
      segment.map((id) => `/v1/rooms/${id}/messages`),
      segment.map((id) => `${messages}/${id}`),
      segment.map((id) => `${messages}/${randomUUID()}/reactions/${id}?clientMessageId=c`),
      segment.map((id) => `/v1/rooms/${room}/bans/${id}`),
      segment.map((q) => `/v1/search?q=${q}`),
      fc.tuple(segment, segment).map(([at, cursor]) => `${messages}?at=${at}&before=${cursor}`),
    )
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE')
    await fc.assert(
      fc.asyncProperty(method, path, body, async (verb, url, content) => {
        const answer = await ana.call(verb, url, verb === 'GET' ? undefined : content)
        expect([verb, url, answer.status]).toEqual([verb, url, expect.any(Number)])
        expect(answer.status, `${verb} ${url} ${JSON.stringify(content)}`).toBeLessThan(500)
        if (answer.status >= 400) expect(answer.body.code).toMatch(/^[a-z-]+$/)
      }),
      { seed: 20261124, numRuns: 400 },
    )
  })
})
