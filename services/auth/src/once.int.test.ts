import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AuthFixture, openAuthFixture } from './testing/auth-fixture.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

const endSession = async (id: string, token: string, key: string): Promise<Response> =>
  fixture.auth.app.request(`/v1/auth/sessions/${id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
  })

it('gives a write that comes again under its Idempotency-Key the first answer, and another key its own', async () => {
  const { user, accessToken, password } = await fixture.person()
  const email = user.email
  await fixture.post('/v1/auth/login', { email, password })
  const { body } = await fixture.get<{ sessions: { id: string; current: boolean }[] }>(
    '/v1/auth/sessions',
    accessToken,
  )
  const other = body.sessions.find(({ current }) => !current)?.id ?? ''
  expect((await endSession(other, accessToken, 'one')).status).toBe(204)
  const again = await endSession(other, accessToken, 'one')
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([204, 'true'])
  expect((await endSession(other, accessToken, 'two')).status).toBe(404)
})

it('keeps nothing of what carries passwords and tokens', async () => {
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'register' }
  const body = { email: 'once@example.org', password: 'correct horse battery', displayName: 'Ana' }
  const register = () =>
    fixture.auth.app.request('/v1/auth/register', { method: 'POST', headers, body: JSON.stringify(body) })
  expect((await register()).status).toBe(201)
  expect((await register()).status).toBe(409)
  expect(await fixture.query("select key from http_answers where key like '%register%'")).toEqual([])
})
