import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthFixture, password, type AuthFixture } from './testing/auth-fixture.ts'
import { openRoad } from './testing/road.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

describe('when the database is away', () => {
  it('answers 503 with Retry-After and is not ready, and is well again by itself', async () => {
    const { user } = await fixture.person()
    const road = await openRoad(fixture.database.url)
    const auth = await fixture.open({ AUTH_DATABASE_URL: road.url })
    const signIn = () =>
      auth.app.request('/v1/auth/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: user.email, password }),
      })
    try {
      expect((await signIn()).status).toBe(200)
      expect(await auth.checks['auth-database']?.()).toBeUndefined()

      await road.cut()
      const answer = await signIn()
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await auth.checks['auth-database']?.()).toEqual(expect.any(String))

      await road.mend()
      await expect.poll(async () => (await signIn()).status, { timeout: 10_000 }).toBe(200)
      expect(await auth.checks['auth-database']?.()).toBeUndefined()
    } finally {
      await auth.close()
      await road.cut()
    }
  })
})
