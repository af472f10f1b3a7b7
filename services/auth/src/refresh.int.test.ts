import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openAuthFixture,
  type AuthFixture,
  type ProblemBody,
  type SignedInBody,
} from './testing/auth-fixture.ts'
import { reuseGraceMs } from './domain/refresh.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

const refresh = <T = SignedInBody>(refreshToken: string) =>
  fixture.post<T>('/v1/auth/refresh', { refreshToken })
const refused = async (refreshToken: string) => {
  const { status, body } = await refresh<ProblemBody>(refreshToken)
  expect(status).toBe(401)
  return body.code
}
const logout = (refreshToken: string) => fixture.post<undefined>('/v1/auth/logout', { refreshToken })

describe('refresh', () => {
  it('exchanges a token for its successor, again and again', async () => {
    const person = await fixture.person()
    let { refreshToken } = person
    for (let i = 0; i < 4; i++) {
      fixture.pass(600_000)
      const { status, body } = await refresh(refreshToken)
      expect(status).toBe(200)
      expect(body.user).toEqual(person.user)
      expect(body.refreshToken).not.toBe(refreshToken)
      refreshToken = body.refreshToken
    }
  })

  it('does not make the sign-in younger: the access token says when it was', async () => {
    const claimsOf = (accessToken: string) => decodeJwt<{ auth_time: number; iat: number }>(accessToken)
    const first = await fixture.person()
    const signedInAt = claimsOf(first.accessToken).auth_time
    expect(signedInAt).toBe(claimsOf(first.accessToken).iat)
    fixture.pass(600_000)
    const { body } = await refresh(first.refreshToken)
    expect(claimsOf(body.accessToken)).toMatchObject({ auth_time: signedInAt, iat: signedInAt + 600 })
  })

  it('within the grace gives the same successor again', async () => {
    const { refreshToken } = await fixture.person()
    const first = await refresh(refreshToken)
    fixture.pass(reuseGraceMs)
    const again = await refresh(refreshToken)
    expect(again.status).toBe(200)
    expect(again.body.refreshToken).toBe(first.body.refreshToken)
    expect((await refresh(again.body.refreshToken)).status).toBe(200)
  })

  it('after the grace ends the session, whoever presents what', async () => {
    const { refreshToken } = await fixture.person()
    const { body } = await refresh(refreshToken)
    fixture.pass(reuseGraceMs + 1)
    expect(await refused(refreshToken)).toBe('refresh-token-reused')
    expect(await refused(body.refreshToken)).toBe('invalid-refresh-token')
    expect(await refused(refreshToken)).toBe('invalid-refresh-token')
  })

  it('ends no other session of the person', async () => {
    const person = await fixture.person()
    const other = await fixture.post('/v1/auth/login', {
      email: person.user.email,
      password: person.password,
    })
    await refresh(person.refreshToken)
    fixture.pass(reuseGraceMs + 1)
    expect(await refused(person.refreshToken)).toBe('refresh-token-reused')
    expect((await refresh(other.body.refreshToken)).status).toBe(200)
  })

  it('of many at once with one token continues one line', async () => {
    const { refreshToken } = await fixture.person()
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const successors = new Set(answers.map(({ body }) => body.refreshToken))
    expect(successors.size).toBe(1)

    const [successor = ''] = successors
    const next = await refresh(successor)
    expect(next.status).toBe(200)
    fixture.pass(reuseGraceMs + 1)
    expect(await refused(successor)).toBe('refresh-token-reused')
    expect(await refused(next.body.refreshToken)).toBe('invalid-refresh-token')
  })

  it('and logout at once: when both are done the session has ended', async () => {
    for (let i = 0; i < 10; i++) {
      const { refreshToken } = await fixture.person()
      const [exchanged] = await Promise.all([refresh(refreshToken), logout(refreshToken)])
      expect([200, 401]).toContain(exchanged.status)
      if (exchanged.status === 200)
        expect(await refused(exchanged.body.refreshToken)).toBe('invalid-refresh-token')
    }
  })

  it('refuses a token that nobody exchanged for 30 days', async () => {
    const { refreshToken } = await fixture.person()
    fixture.pass(30 * 24 * 3_600_000)
    expect(await refused(refreshToken)).toBe('invalid-refresh-token')
  })

  it('refuses what is no token, or a forged one, and ends nothing by it', async () => {
    const { accessToken, refreshToken } = await fixture.person()
    const forged = Buffer.from(refreshToken, 'base64url')
    forged.fill(7, 20)
    for (const text of [
      'x',
      accessToken.slice(0, 500),
      randomBytes(68).toString('base64url'),
      forged.toString('base64url'),
    ])
      expect(await refused(text)).toBe('invalid-refresh-token')
    expect((await refresh(refreshToken)).status).toBe(200)
  })

  it('is answered alike by every process', async () => {
    const elsewhere = await fixture.open()
    const { refreshToken } = await fixture.person()
    const here = await refresh(refreshToken)
    const there = await elsewhere.app.request('/v1/auth/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken }),
    })
    expect(((await there.json()) as SignedInBody).refreshToken).toBe(here.body.refreshToken)
  })
})

describe('logout', () => {
  it('ends the session, and is content to find it ended', async () => {
    const { refreshToken } = await fixture.person()
    expect((await logout(refreshToken)).status).toBe(204)
    expect(await refused(refreshToken)).toBe('invalid-refresh-token')
    expect((await logout(refreshToken)).status).toBe(204)
  })

  it('takes any token of the session', async () => {
    const { refreshToken } = await fixture.person()
    const { body } = await refresh(refreshToken)
    expect((await logout(refreshToken)).status).toBe(204)
    expect(await refused(body.refreshToken)).toBe('invalid-refresh-token')
  })

  it('ends nothing for a token that was forged from a session id', async () => {
    const { refreshToken } = await fixture.person()
    const forged = Buffer.from(refreshToken, 'base64url')
    forged.fill(7, 20)
    for (const text of ['x', forged.toString('base64url'), randomBytes(68).toString('base64url')])
      expect((await logout(text)).status).toBe(204)
    expect((await refresh(refreshToken)).status).toBe(200)
  })
})
