import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ChatUnderTest, chatUnderTest } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  // So slow that no test can be slow enough to see a token come back.
  veza = await chatUnderTest({ COMMAND_RATE: 0.001, COMMAND_BURST: 4 })
})
afterAll(() => veza.close())

it('limits what a user changes by HTTP, whatever it is, and says what is left', async () => {
  const [ana, ben] = [await veza.person(), await veza.person()]
  const room = await ana.createRoom('public')
  await ben.call('POST', `/v1/rooms/${room}/members`, {})
  const path = `/v1/rooms/${room}/messages`
  const post = (clientMessageId: string, body = 'hello') => ({ clientMessageId, body })

  const accepted = await ana.call('POST', path, post('1'))
  expect(accepted.status).toBe(202)
  expect(accepted.headers.get('ratelimit-policy')).toBe('"commands";q=4;w=4000')
  expect(accepted.headers.get('ratelimit')).toMatch(/^"commands";r=2;t=(1\d{3}|2000)$/)
  const malformed = await ana.call('POST', path, post('2', ''))
  expect([malformed.status, malformed.headers.get('ratelimit')]).toEqual([
    400,
    expect.stringMatching(/^"commands";r=1;/),
  ])
  expect((await ana.call('PUT', `/v1/rooms/${room}/read`, { messageNumber: 0 })).status).toBe(200)

  const sent = veza.sent.length
  for (const [method, url, body] of [
    ['POST', path, post('3')],
    ['PUT', `/v1/rooms/${room}/read`, { messageNumber: 0 }],
    ['PATCH', `/v1/rooms/${room}`, { name: 'Other' }],
    ['POST', '/v1/rooms', { name: 'Another', visibility: 'public' }],
  ] as const) {
    const refused = await ana.call(method, url, body)
    expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.headers.get('ratelimit')).toMatch(/^"commands";r=0;/)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1)
  }
  expect(veza.sent).toHaveLength(sent)

  expect((await ben.call('POST', path, post('1'))).status).toBe(202)
  const read = await ana.call('GET', path)
  expect([read.status, read.headers.get('ratelimit')]).toEqual([200, null])
})

it('takes nothing from users in whose name somebody without their token asks', async () => {
  const ana = await veza.person()
  const headers = { authorization: `Bearer ${ana.token.slice(0, -4)}AAAA` }
  for (const clientMessageId of ['1', '2', '3', '4', '5']) {
    const refused = await ana.call('POST', '/v1/rooms', { clientMessageId }, headers)
    expect([refused.status, refused.headers.get('ratelimit')]).toEqual([401, null])
  }
  expect(await ana.createRoom('public')).toBeDefined()
})
