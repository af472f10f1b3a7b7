import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type Person, register, request } from '../support/api.ts'
import { roomOf } from './people.ts'

/** A connection without an SDK: what is sent is what a test says. */
const openRaw = async () => {
  const socket = new WebSocket(inject('veza').ws)
  onTestFinished(() => {
    socket.terminate()
  })
  const lines: unknown[] = []
  let closeCode: number | undefined
  socket.on('message', (data) => {
    for (const line of (data as Buffer).toString().split('\n')) lines.push(JSON.parse(line))
  })
  socket.on('close', (code) => {
    closeCode = code
  })
  socket.on('error', () => undefined)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    send: (text: string | Buffer) => {
      socket.send(text)
    },
    reply: (id: number) =>
      expect
        .poll(() => lines.find((line) => (line as { id?: number }).id === id), { timeout: 10_000 })
        .toBeDefined()
        .then(() => lines.find((line) => (line as { id?: number }).id === id)),
    closed: (codes: number[]) =>
      expect.poll(() => codes.includes(closeCode ?? 0), { timeout: 15_000 }).toBe(true),
    isOpen: () => socket.readyState === WebSocket.OPEN,
  }
}

const openConnected = async (person: Person) => {
  const raw = await openRaw()
  raw.send(JSON.stringify({ id: 1, connect: { token: person.token } }))
  await raw.reply(1)
  return raw
}

/** A conversation that goes on beside the trouble: same connection, nothing missed, process never restarted. */
const bystanders = async (): Promise<() => Promise<void>> => {
  const {
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const startedAt = async () => {
    const text = await (await fetch(`${inject('veza').internal['realtime'] ?? ''}/metrics`)).text()
    return /^process_start_time_seconds(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]
  }
  const before = await startedAt()
  return async () => {
    await ann.room.post('after', 'are you there?')
    await expect.poll(() => bob.room.seen.map(({ offset }) => offset), { timeout: 20_000 }).toEqual([1])
    expect(bob.room.subscribed).toHaveLength(1)
    expect(await startedAt()).toBe(before)
  }
}

describe('the WebSocket edge', () => {
  it.each([
    ['malformed JSON', '{"id":1,"connect":'],
    ['no object', '"hello"'],
    ['a number', '17'],
    ['nothing', '\n\n'],
    ['NUL bytes', '\u0000\u0000\u0000'],
    ['a command that does not exist', '{"id":1,"frobnicate":{}}'],
    ['a field of the wrong type', '{"id":1,"connect":{"token":17}}'],
    ['an id that is no number', '{"id":"1","connect":{}}'],
    ['deep nesting', '['.repeat(30_000)],
  ])('closes with 3501 on %s', async (_, frame) => {
    const andOthersGoOn = await bystanders()
    const raw = await openRaw()
    raw.send(frame)
    await raw.closed([3501])
    await andOthersGoOn()
  })

  it('closes on a frame that is too large', async () => {
    const andOthersGoOn = await bystanders()
    const raw = await openRaw()
    raw.send(JSON.stringify({ id: 1, connect: { token: 'x'.repeat(70_000) } }))
    // uWebSockets.js cuts without a closing handshake; 1009 is what RFC 6455 has for it.
    await raw.closed([1006, 1009])
    await andOthersGoOn()
  })

  it.each([
    ['no token', ''],
    ['a token that is none', 'abc'],
    ['a token without a signature', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.'],
  ])('closes with 3500 on %s', async (_, token) => {
    const raw = await openRaw()
    raw.send(JSON.stringify({ id: 1, connect: { token } }))
    await raw.closed([3500])
  })

  it('closes with 3500 on a token whose payload was changed', async () => {
    const { token } = await register(inject('veza').http, 'Mallory')
    const [header, payload, signature] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as object
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: randomUUID() })).toString('base64url')
    const raw = await openRaw()
    raw.send(JSON.stringify({ id: 1, connect: { token: `${header ?? ''}.${forged}.${signature ?? ''}` } }))
    await raw.closed([3500])
  })

  it('answers errors on a connection that goes on', async () => {
    const {
      roomId,
      people: [ann],
    } = await roomOf('Ann')
    const raw = await openConnected(ann.person)
    const publish = (channel: string, clientMessageId: unknown, body: unknown) => ({
      publish: { channel, data: { type: 'message.post', clientMessageId, body } },
    })
    const room = `room:${roomId}`
    const cases: readonly (readonly [object, number])[] = [
      [{ subscribe: { channel: `room:${randomUUID()}` } }, 102],
      [{ subscribe: { channel: 'nonsense' } }, 102],
      [{ subscribe: { channel: `room:${roomId.toUpperCase()}` } }, 102],
      [{ subscribe: { channel: `user:${randomUUID()}` } }, 103],
      [publish(`room:${randomUUID()}`, '1', 'hello'), 102],
      [publish(room, '1', ''), 107],
      [publish(room, '1', ' \n\t '), 107],
      [publish(room, '1', 'x'.repeat(4001)), 107],
      [publish(room, '1', 'NUL \u0000'), 107],
      [publish(room, '1', 17), 107],
      [publish(room, '', 'hello'), 107],
      [publish(room, 'x'.repeat(65), 'hello'), 107],
      [publish(room, null, 'hello'), 107],
      [{ publish: { channel: room, data: { type: 'message.explode' } } }, 107],
      [{ publish: { channel: room, data: null } }, 107],
      [{ rpc: { method: 'rm -rf' } }, 104],
      [{ presence: { channel: room } }, 103],
    ]
    // All at once in one frame, as the protocol allows.
    raw.send(cases.map(([command], index) => JSON.stringify({ id: index + 2, ...command })).join('\n'))
    for (const [index, [command, code]] of cases.entries())
      expect(await raw.reply(index + 2), JSON.stringify(command).slice(0, 120)).toMatchObject({
        error: { code },
      })

    raw.send(JSON.stringify({ id: 100, ...publish(room, 'fine', 'x'.repeat(4000)) }))
    expect(await raw.reply(100)).toMatchObject({ publish: {} })
    expect(raw.isOpen()).toBe(true)
    await expect
      .poll(() => ann.room.seen, { timeout: 20_000 })
      .toMatchObject([{ offset: 1, clientMessageId: 'fine' }])
  })
})

describe('the HTTP edge', () => {
  it('answers problems, and goes on', async () => {
    const { http } = inject('veza')
    const {
      roomId,
      people: [ann],
    } = await roomOf('Ann')
    const { token } = ann.person
    const messages = `/v1/rooms/${roomId}/messages`
    const post = (clientMessageId: string, body: string) => ({ token, body: { clientMessageId, body } })
    const cases: readonly (readonly [string, string, Parameters<typeof request>[3], number, string?])[] = [
      ['POST', messages, { token, body: '{"clientMessageId":' }, 400],
      ['POST', messages, { token, body: '[]' }, 400, 'invalid-request'],
      ['POST', messages, { token, body: { body: 'no id' } }, 400, 'invalid-client-message-id'],
      ['POST', messages, post('1', ''), 400, 'body-empty'],
      ['POST', messages, post('1', 'x'.repeat(4001)), 400, 'body-too-long'],
      ['POST', messages, post('1', 'NUL \u0000'), 400, 'body-invalid'],
      ['POST', messages, post('', 'hello'), 400, 'invalid-client-message-id'],
      ['POST', messages, post('1', 'x'.repeat(100_000)), 413],
      ['POST', messages, { body: { clientMessageId: '1', body: 'who am I' } }, 401],
      ['POST', messages, { token: 'abc', body: { clientMessageId: '1', body: 'who am I' } }, 401],
      ['POST', `/v1/rooms/${randomUUID()}/messages`, post('1', 'anybody?'), 404, 'room-not-found'],
      ['POST', '/v1/rooms/not-a-uuid/messages', post('1', 'anybody?'), 400, 'invalid-request'],
      ['GET', '/v1/nowhere', { token }, 404],
      ['DELETE', messages, { token }, 405],
      ['GET', `${messages}?limit=100000`, { token }, 400, 'invalid-request'],
      ['GET', `${messages}?before=nonsense`, { token }, 400, 'invalid-request'],
    ]
    for (const [method, path, options, status, code] of cases) {
      const answer = await request(http, method, path, options)
      const what = `${method} ${path} ${JSON.stringify(options).slice(0, 80)}: ${JSON.stringify(answer.body)}`
      expect(answer.status, what).toBe(status)
      expect(answer.headers.get('content-type'), what).toContain('application/problem+json')
      expect(answer.body, what).toMatchObject({ status, code: code ?? (expect.any(String) as string) })
    }
    expect((await request(http, 'POST', messages, post('fine', 'still here'))).status).toBe(202)
    await expect.poll(() => ann.room.seen, { timeout: 20_000 }).toMatchObject([{ clientMessageId: 'fine' }])
  })
})
