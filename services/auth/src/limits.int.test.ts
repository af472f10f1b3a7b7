import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAuthFixture, password, type AuthFixture, type ProblemBody } from './testing/auth-fixture.ts'

const minute = 60_000
let fixture: AuthFixture
// Four failures to an account and eight from an address in twenty minutes.
beforeEach(async () => {
  fixture = await openAuthFixture({
    ...{ ATTEMPTS_PER_ACCOUNT: 4, ATTEMPTS_PER_ADDRESS: 8, ATTEMPT_WINDOW: 20 * minute },
    MAILS_PER_ACCOUNT: 2,
  })
})
afterEach(() => fixture.close())

const signIn = (email: string, text: string, address = '203.0.113.9') =>
  fixture.post<ProblemBody>('/v1/auth/login', { email, password: text }, { address })
const fail = async (times: number, email: string, address?: string) => {
  const answers = []
  for (let n = 0; n < times; n++) answers.push((await signIn(email, 'wrong password', address)).status)
  return answers
}

describe('failed sign-ins to one account', () => {
  it('are limited, known address or not, and let one more through after a while', async () => {
    const { user } = await fixture.person()
    for (const email of [user.email, 'nobody@example.org']) {
      const from = (n: number) => `198.51.100.${n}`
      for (let n = 0; n < 4; n++) expect(await fail(1, email, from(n))).toEqual([401])
      const refused = await signIn(email, password, from(5))
      expect([refused.status, refused.body.code]).toEqual([429, 'too-many-attempts'])
      expect(Number(refused.headers.get('retry-after'))).toBe(300)
    }
    fixture.pass(5 * minute)
    expect((await signIn(user.email, password, '198.51.100.9')).status).toBe(200)
  })

  it('of a stranger do not keep the owner out where they signed in from before', async () => {
    const { user } = await fixture.person()
    const home = '192.0.2.7'
    expect((await signIn(user.email, password, home)).status).toBe(200)
    for (let n = 0; n < 4; n++) await fail(1, user.email, `198.51.100.${n}`)
    expect((await signIn(user.email, password, '198.51.100.99')).status).toBe(429)
    expect((await signIn(user.email, password, home)).status).toBe(200)
  })

  it('from where the owner signed in before are limited too', async () => {
    const { user } = await fixture.person()
    const home = '192.0.2.7'
    await signIn(user.email, password, home)
    expect(await fail(5, user.email, home)).toEqual([401, 401, 401, 401, 429])
  })

  it('delay nobody for longer by going on', async () => {
    const { user } = await fixture.person()
    for (let n = 0; n < 30; n++) await fail(1, user.email, `198.51.100.${n}`)
    const refused = await signIn(user.email, password, '198.51.100.99')
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(300)
  })

  it('at once pass no more than can be hashed at once, and are charged for', async () => {
    const { user } = await fixture.person()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => signIn(user.email, 'wrong password', `198.51.100.${n}`)),
    )
    expect(answers.every(({ status }) => status === 401 || status === 429)).toBe(true)
    expect((await signIn(user.email, password, '198.51.100.99')).status).toBe(429)
    fixture.pass(5 * minute)
    expect(await fail(2, user.email, '198.51.100.98')).toEqual([401, 429])
  })

  it('are forgotten when the owner sets a new password by mail', async () => {
    const { user } = await fixture.person()
    for (let n = 0; n < 4; n++) await fail(1, user.email, `198.51.100.${n}`)
    await fixture.post('/v1/auth/password/forgot', { email: user.email })
    await expect.poll(() => fixture.letters(user.email), { timeout: 20_000 }).toHaveLength(2)
    const text = (await fixture.letters(user.email))
      .join()
      .replaceAll(/=\r?\n/g, '')
      .replaceAll('=3D', '=')
    const token = /reset-password#token=([\w-]{43})/.exec(text)?.[1]
    await fixture.post('/v1/auth/password/reset', { token, password: 'an entirely new one' })
    expect((await signIn(user.email, 'an entirely new one', '198.51.100.99')).status).toBe(200)
  })
})

describe('failures from one address', () => {
  it('are limited over all accounts, and from its neighbours in IPv6', async () => {
    const { user } = await fixture.person()
    const from = (n: number) => `2001:db8:1:2::${n}`
    for (let n = 0; n < 8; n++) expect(await fail(1, `stranger${n}@example.org`, from(n))).toEqual([401])
    expect((await signIn(user.email, password, from(99))).status).toBe(429)
    expect((await signIn(user.email, password, '2001:db8:1:3::1')).status).toBe(200)
  })

  it('are those that ask who has an account, by registering', async () => {
    const { user } = await fixture.person()
    const register = (email: string) =>
      fixture.post<ProblemBody>(
        '/v1/auth/register',
        { email, password, displayName: 'Eve' },
        { address: '203.0.113.9' },
      )
    for (let n = 0; n < 8; n++) expect((await register(user.email)).status).toBe(409)
    expect((await register(user.email)).status).toBe(429)
  })

  it('are those that try tokens', async () => {
    for (const path of ['/v1/auth/email/verify', '/v1/auth/password/reset'])
      for (let n = 0; n < 4; n++) {
        const input = { token: 'A'.repeat(43), password: 'an entirely new one' }
        expect((await fixture.post(path, input, { address: '203.0.113.9' })).status).toBe(400)
      }
    const input = { token: 'A'.repeat(43) }
    expect((await fixture.post('/v1/auth/email/verify', input, { address: '203.0.113.9' })).status).toBe(429)
  })

  it('are no sign-ins that succeed, however many', async () => {
    const { user } = await fixture.person()
    for (let n = 0; n < 10; n++) expect((await signIn(user.email, password)).status).toBe(200)
  })
})

describe('other limits', () => {
  it('are on guesses at the password by whoever holds an access token', async () => {
    const { accessToken } = await fixture.person()
    const guess = async (n: number) =>
      (
        await fixture.post(
          '/v1/auth/password/change',
          { currentPassword: 'wrong password', newPassword: 'an entirely new one' },
          { accessToken, address: `198.51.100.${n}` },
        )
      ).status
    const answers = []
    for (let n = 0; n < 5; n++) answers.push(await guess(n))
    expect(answers).toEqual([401, 401, 401, 401, 429])
  })

  it('are on letters to one address, whether anybody has it or not', async () => {
    const forgot = async (n: number) =>
      (
        await fixture.post(
          '/v1/auth/password/forgot',
          { email: 'somebody@example.org' },
          { address: `198.51.100.${n}` },
        )
      ).status
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(forgot))
    expect(all.sort()).toEqual([202, 202, 429, 429, 429, 429])
  })

  it('leave no address and no account to be read, and are swept up', async () => {
    await fail(1, 'nobody@example.org', '203.0.113.9')
    const rows = await fixture.query<{ row: string }>('select a::text as row from attempts as a')
    expect(rows).toHaveLength(2)
    for (const { row } of rows) expect(row).not.toMatch(/nobody|203\.0/)
  })
})
