import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openAuthFixture, password, type AuthFixture, type ProblemBody } from './testing/auth-fixture.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

interface Account {
  email: string
  emailVerified: boolean
  hasPassword: boolean
  roles: string[]
}

const account = async (accessToken: string) =>
  (await fixture.get<Account>('/v1/auth/account', accessToken)).body
const signIn = (email: string, text: string) =>
  fixture.post<ProblemBody & { accessToken: string }>('/v1/auth/login', { email, password: text })
const refreshes = async (refreshToken: string) =>
  (await fixture.post('/v1/auth/refresh', { refreshToken })).status === 200

/** Waits for the nth letter to an address and answers the token in it. */
const letterToken = async (to: string, path: string, count = 1): Promise<string> => {
  await vi.waitFor(
    async () => {
      expect((await fixture.letters(to)).filter((text) => text.includes(path))).toHaveLength(count)
    },
    { timeout: 20_000 },
  )
  const letters = (await fixture.letters(to)).filter((text) => text.includes(path))
  // Quoted-printable writes = as =3D and breaks lines with a = at their end.
  const text = (letters.at(-1) ?? '').replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=')
  return /#token=([\w-]{43})/.exec(text)?.[1] ?? ''
}

const types = async (userId: string) =>
  (
    await fixture.query<{ type: string }>('select type from events.events where key = $1 order by position', [
      userId,
    ])
  ).map(({ type }) => type)

describe('the e-mail address', () => {
  it('is verified by the token of a letter, once', async () => {
    const { user, accessToken } = await fixture.person()
    expect(await account(accessToken)).toEqual({
      ...user,
      emailVerified: false,
      hasPassword: true,
      roles: [],
    })
    const token = await letterToken(user.email, '/verify-email')
    expect((await fixture.post('/v1/auth/email/verify', { token })).status).toBe(204)
    expect((await account(accessToken)).emailVerified).toBe(true)
    const again = await fixture.post<ProblemBody>('/v1/auth/email/verify', { token })
    expect([again.status, again.body.code]).toEqual([400, 'invalid-token'])
    expect(await types(user.id)).toEqual(['UserRegistered', 'SessionStarted', 'EmailVerified'])
  })

  it('has its letter sent once more when asked, and every letter works until one did', async () => {
    const { user, accessToken } = await fixture.person()
    const first = await letterToken(user.email, '/verify-email')
    const by = { accessToken }
    expect((await fixture.send('POST', '/v1/auth/email/verify/request', undefined, by)).status).toBe(202)
    const second = await letterToken(user.email, '/verify-email', 2)
    expect(second).not.toBe(first)
    expect((await fixture.post('/v1/auth/email/verify', { token: first })).status).toBe(204)
    expect((await fixture.post('/v1/auth/email/verify', { token: second })).status).toBe(400)
    expect((await fixture.send('POST', '/v1/auth/email/verify/request', undefined, by)).status).toBe(202)
    expect(await fixture.letters(user.email)).toHaveLength(2)
  })

  it('is verified by no token that has expired, is of another kind, or was made up', async () => {
    const { user, accessToken } = await fixture.person()
    const token = await letterToken(user.email, '/verify-email')
    await fixture.post('/v1/auth/password/forgot', { email: user.email })
    const other = await letterToken(user.email, '/reset-password')
    for (const wrong of [other, token.replace(/^./, token.startsWith('A') ? 'B' : 'A'), 'A'.repeat(43)])
      expect((await fixture.post('/v1/auth/email/verify', { token: wrong })).status).toBe(400)
    for (const malformed of ['', 'x', accessToken, 7, null])
      expect((await fixture.post('/v1/auth/email/verify', { token: malformed })).status).toBe(400)
    fixture.pass(3 * 24 * 3_600_000)
    expect((await fixture.post('/v1/auth/email/verify', { token })).status).toBe(400)
  })

  it('is verified once by many who use the token at once', async () => {
    const { user } = await fixture.person()
    const token = await letterToken(user.email, '/verify-email')
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => fixture.post('/v1/auth/email/verify', { token })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400, 400, 400, 400])
  })

  it('is stored nowhere in the clear', async () => {
    const { user } = await fixture.person()
    const tables = await fixture.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    expect(tables.length).toBeGreaterThan(10)
    for (const { name } of tables) {
      const rows = await fixture.query<{ row: string }>(`select t::text as row from ${name} as t`)
      const [plain, hex] = [user.email, Buffer.from(user.email).toString('hex')]
      for (const { row } of rows) {
        expect(row, name).not.toContain(plain)
        expect(row, name).not.toContain(hex)
      }
    }
  })
})

describe('a forgotten password', () => {
  it('is replaced by the token of a letter; every session ends, and the address is verified', async () => {
    const person = await fixture.person()
    const { email } = person.user
    expect((await fixture.post('/v1/auth/password/forgot', { email: email.toUpperCase() })).status).toBe(202)
    const token = await letterToken(email, '/reset-password')
    const reset = { token, password: 'an entirely new one' }
    expect((await fixture.post('/v1/auth/password/reset', reset)).status).toBe(204)
    expect(await refreshes(person.refreshToken)).toBe(false)
    expect((await signIn(email, password)).body.code).toBe('invalid-credentials')
    const { body } = await signIn(email, reset.password)
    expect((await account(body.accessToken)).emailVerified).toBe(true)
    expect((await fixture.post('/v1/auth/password/reset', reset)).status).toBe(400)
    expect(await types(person.user.id)).toEqual([
      ...['UserRegistered', 'SessionStarted', 'PasswordChanged', 'EmailVerified', 'SessionRevoked'],
      'SessionStarted',
    ])
    await letterToken(email, '/forgot-password')
  })

  it('is replaced once by many who use the token at once', async () => {
    const { email } = (await fixture.person()).user
    await fixture.post('/v1/auth/password/forgot', { email })
    const token = await letterToken(email, '/reset-password')
    const resets = ['one', 'two', 'three', 'four'].map((n) => ({ token, password: `an entirely new ${n}` }))
    const answers = await Promise.all(
      resets.map(async (reset) => (await fixture.post('/v1/auth/password/reset', reset)).status),
    )
    expect(answers.toSorted()).toEqual([204, 400, 400, 400])
    const works = await Promise.all(resets.map(async (reset) => (await signIn(email, reset.password)).status))
    expect(works).toEqual(answers.map((status) => (status === 204 ? 200 : 401)))
  })

  it('is answered alike for an address that nobody has, and no letter is sent', async () => {
    const { user } = await fixture.person()
    const answers = await Promise.all(
      [user.email, 'stranger@example.org', 'no address', ''].map((email) =>
        fixture.post('/v1/auth/password/forgot', { email }),
      ),
    )
    for (const { status, body } of answers) expect([status, body]).toEqual([202, undefined])
    await letterToken(user.email, '/reset-password')
    await vi.waitFor(async () => {
      expect(await fixture.query('select id from mail_requests')).toEqual([])
    })
    expect(await fixture.letters('stranger@example.org')).toEqual([])
  })

  it('is replaced by no guessable one, which leaves the token as good as it was', async () => {
    const { user } = await fixture.person()
    await fixture.post('/v1/auth/password/forgot', { email: user.email })
    const token = await letterToken(user.email, '/reset-password')
    const refused = await fixture.post<ProblemBody>('/v1/auth/password/reset', {
      token,
      password: 'password1',
    })
    expect([refused.status, refused.body.code]).toEqual([400, 'password-guessable'])
    const taken = await fixture.post('/v1/auth/password/reset', { token, password: 'an entirely new one' })
    expect(taken.status).toBe(204)
  })

  it('lets nobody in who signs in with the former one at the same moment', async () => {
    for (let n = 0; n < 5; n++) {
      const { user } = await fixture.person()
      await fixture.post('/v1/auth/password/forgot', { email: user.email })
      const token = await letterToken(user.email, '/reset-password')
      const [reset, ...signIns] = await Promise.all([
        fixture.post('/v1/auth/password/reset', { token, password: 'an entirely new one' }),
        ...Array.from({ length: 4 }, () => fixture.post('/v1/auth/login', { email: user.email, password })),
      ])
      expect(reset.status).toBe(204)
      for (const { status, body } of signIns)
        if (status === 200) expect(await refreshes(body.refreshToken)).toBe(false)
    }
  })

  it('is not replaced after an hour', async () => {
    const { user } = await fixture.person()
    await fixture.post('/v1/auth/password/forgot', { email: user.email })
    const token = await letterToken(user.email, '/reset-password')
    fixture.pass(3_600_000)
    const late = await fixture.post('/v1/auth/password/reset', { token, password: 'an entirely new one' })
    expect(late.status).toBe(400)
  })
})

describe('changing a password', () => {
  const change = (accessToken: string, currentPassword: string, newPassword = 'an entirely new one') =>
    fixture.post<ProblemBody | undefined>(
      '/v1/auth/password/change',
      { currentPassword, newPassword },
      { accessToken },
    )

  it('needs the present one, and ends every session but this', async () => {
    const person = await fixture.person()
    const other = await fixture.post('/v1/auth/login', { email: person.user.email, password })
    const wrong = await change(person.accessToken, 'wrong password')
    expect([wrong.status, wrong.body?.code]).toEqual([401, 'invalid-credentials'])
    expect((await change(person.accessToken, password)).status).toBe(204)
    expect(await refreshes(person.refreshToken)).toBe(true)
    expect(await refreshes(other.body.refreshToken)).toBe(false)
    expect((await signIn(person.user.email, password)).status).toBe(401)
    expect((await signIn(person.user.email, 'an entirely new one')).status).toBe(200)
    await letterToken(person.user.email, '/forgot-password')
  })

  it('refuses what is guessable, also from the name of the person', async () => {
    const { user, accessToken } = await fixture.person()
    for (const guessable of ['password1', user.email.slice(0, 12)])
      expect((await change(accessToken, password, guessable)).body?.code).toBe('password-guessable')
  })

  it('is for those who are signed in', async () => {
    const { accessToken, refreshToken } = await fixture.person()
    expect((await change('', password)).body?.code).toBe('token-missing')
    expect((await change(refreshToken, password)).body?.code).toBe('token-invalid')
    await fixture.post('/v1/auth/logout', { refreshToken })
    expect((await change(accessToken, password)).body?.code).toBe('session-ended')
  })
})

describe('registering', () => {
  it('refuses a guessable password by a code of its own', async () => {
    const refused = await fixture.post<ProblemBody>('/v1/auth/register', {
      email: 'guessable@example.org',
      password: 'qwertyuiop',
      displayName: 'G',
    })
    expect([refused.status, refused.body.code]).toEqual([400, 'password-guessable'])
  })
})
