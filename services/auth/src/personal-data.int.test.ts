import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthOperations } from '@veza/auth'
import { createLog } from '@veza/kit/log'
import { openAuthStore } from './store.ts'
import { type AuthFixture, openAuthFixture } from './testing/auth-fixture.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

interface Copy {
  account: { email: string; displayName: string; roles: string[] }
  identities: unknown[]
  sessions: { id: string; address: string; client: string; endedAt: string | null }[]
  history: { what: string; byYou: boolean; ofAnother: boolean; address: string | null }[]
}

const copyOf = async (userId: string, token = fixture.settings.SERVICE_TOKEN) => {
  const response = await fixture.auth.internal.request(`/internal/v1/auth/personal-data/${userId}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return { status: response.status, body: (await response.json()) as Copy }
}

describe("auth's part of a copy", () => {
  it('has the account, every session with where it was from, and what happened, but nobody else', async () => {
    const [ana, admin] = [await fixture.person(), await fixture.person()]
    const by = { address: '203.0.113.9', client: 'A browser' }
    const { email } = ana.user
    const second = await fixture.post('/v1/auth/login', { email, password: ana.password }, by)
    await fixture.post('/v1/auth/logout', { refreshToken: second.body.refreshToken }, by)

    const { settings, codec, now } = fixture
    const log = createLog('test', 'silent')
    const operations = await openAuthOperations(settings, { log, codec, now })
    await operations.grantRole({ email: admin.user.email, role: 'admin' })
    await operations.close()
    const again = await fixture.post('/v1/auth/login', {
      email: admin.user.email,
      password: admin.password,
    })
    await fixture.send(
      'PUT',
      `/v1/auth/accounts/${ana.user.id}/roles`,
      { roles: ['moderator'], version: 1 },
      { accessToken: again.body.accessToken, address: '198.51.100.7' },
    )

    const { status, body } = await copyOf(ana.user.id)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      account: { email, displayName: 'Ana', roles: ['moderator'] },
      identities: [],
    })
    expect(body.sessions.map(({ address, client }) => [address, client])).toEqual(
      expect.arrayContaining([
        [null, null],
        ['203.0.113.9', 'A browser'],
      ]) as unknown,
    )
    expect(body.sessions.filter(({ endedAt }) => endedAt !== null)).toHaveLength(1)
    expect(body.history.map(({ what, byYou, address }) => [what, byYou, address])).toEqual([
      ['RolesChanged', false, null],
      ['SessionRevoked', true, '203.0.113.9'],
      ['SessionStarted', true, '203.0.113.9'],
      ['SessionStarted', true, null],
      ['UserRegistered', true, null],
    ])
    expect(JSON.stringify(body)).not.toContain('198.51.100.7')
    expect(JSON.stringify(body)).not.toContain(admin.user.id)
    expect((await copyOf(admin.user.id)).body.history.filter(({ ofAnother }) => ofAnother)).toHaveLength(1)
  })

  it('has the name for those who ask by its own road, until the person is erased', async () => {
    const nameOf = async (userId: string, token = fixture.settings.SERVICE_TOKEN) => {
      const response = await fixture.auth.internal.request(`/internal/v1/auth/accounts/${userId}/name`, {
        headers: { authorization: `Bearer ${token}` },
      })
      return { status: response.status, body: (await response.json()) as object }
    }
    const { user } = await fixture.person()
    expect(await nameOf(user.id)).toEqual({ status: 200, body: { displayName: 'Ana' } })
    expect(await nameOf(user.id, 'another-service-token')).toMatchObject({ status: 401 })
    expect(await nameOf('nobody')).toMatchObject({ status: 400 })
    const { settings, codec } = fixture
    const log = createLog('test', 'silent')
    const store = await openAuthStore(settings, { log, codec, applicationName: 'test' })
    await store.erase(user.id, { actor: 'auth-erasure', causation: 'x' }).finally(() => store.close())
    expect(await nameOf(user.id)).toMatchObject({ status: 404, body: { code: 'no-such-account' } })
  })

  it('is of nobody who is not here, and for nobody without the token', async () => {
    const ana = await fixture.person()
    expect((await copyOf('0198c3a4-1b2c-7d3e-8f40-00000000f00d')).status).toBe(404)
    expect((await copyOf(ana.user.id, 'another-service-token')).status).toBe(401)
  })
})
