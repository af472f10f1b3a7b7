import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openAuthFixture,
  password,
  type AuthFixture,
  type ProblemBody,
  type SignedInBody,
} from './testing/auth-fixture.ts'
import { openOutsideProvider, type OutsideProvider } from './testing/outside-provider.ts'

let provider: OutsideProvider
let fixture: AuthFixture
beforeAll(async () => {
  provider = await openOutsideProvider()
  fixture = await openAuthFixture(provider.settings)
})
afterAll(async () => {
  await fixture.close()
  await provider.close()
})

let count = 0
/** Somebody whom the provider knows. */
const outsider = (person: { email?: string; email_verified?: boolean; name?: string } = {}) => {
  const subject = `outsider-${++count}`
  const email = `${subject}@example.org`
  provider.people.set(subject, { email, email_verified: true, name: 'Ana Outside', ...person })
  return { subject, email: person.email ?? email }
}

const begin = async () =>
  (await fixture.send<{ authorizationUrl: string; flow: string }>('POST', '/v1/auth/oidc/begin')).body
const finish = (flow: string, callbackUrl: string) =>
  fixture.post<SignedInBody & ProblemBody>('/v1/auth/oidc/finish', { flow, callbackUrl })
const signIn = async (subject: string) => {
  const { authorizationUrl, flow } = await begin()
  return finish(flow, await provider.visit(authorizationUrl, subject))
}
const account = async (accessToken: string) =>
  (await fixture.get<{ emailVerified: boolean; hasPassword: boolean }>('/v1/auth/account', accessToken)).body
const verify = async (email: string) => {
  await expect.poll(() => fixture.letters(email), { timeout: 20_000 }).not.toEqual([])
  const [letter = ''] = await fixture.letters(email)
  const token = /#token=(?:3D)?([\w-]{43})/.exec(letter.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '='))?.[1]
  expect((await fixture.post('/v1/auth/email/verify', { token })).status).toBe(204)
}
const types = async (userId: string) =>
  (
    await fixture.query<{ type: string }>('select type from events.events where key = $1 order by position', [
      userId,
    ])
  ).map(({ type }) => type)

describe('somebody who signs in with the outside provider', () => {
  it('gets an account of their own the first time, and the same one again', async () => {
    const { subject, email } = outsider()
    const first = await signIn(subject)
    expect(first.status).toBe(200)
    expect(first.body.user).toMatchObject({ email, displayName: 'Ana Outside' })
    expect(await account(first.body.accessToken)).toMatchObject({ emailVerified: true, hasPassword: false })
    const second = await signIn(subject)
    expect(second.body.user).toEqual(first.body.user)
    expect(await types(first.body.user.id)).toEqual([
      ...['UserRegistered', 'IdentityLinked', 'SessionStarted', 'SessionStarted'],
    ])
    const copy = await fixture.auth.internal.request(
      `/internal/v1/auth/personal-data/${first.body.user.id}`,
      { headers: { authorization: `Bearer ${fixture.settings.SERVICE_TOKEN}` } },
    )
    expect(await copy.json()).toMatchObject({
      identities: [{ issuer: fixture.settings.OIDC_ISSUER, subject }],
    })
    expect((await fixture.post('/v1/auth/login', { email, password })).status).toBe(401)
  })

  it('keeps their account when their address changes at the provider', async () => {
    const { subject } = outsider()
    const first = await signIn(subject)
    provider.people.set(subject, { email: 'elsewhere@example.org', email_verified: true })
    expect((await signIn(subject)).body.user).toEqual(first.body.user)
  })

  it('is linked to the account with their address, whose password goes on to work', async () => {
    const person = await fixture.person()
    await verify(person.user.email)
    const { subject } = outsider({ email: person.user.email.toUpperCase() })
    const { body } = await signIn(subject)
    expect(body.user).toEqual(person.user)
    expect((await fixture.post('/v1/auth/login', { email: person.user.email, password })).status).toBe(200)
    expect((await fixture.post('/v1/auth/refresh', { refreshToken: person.refreshToken })).status).toBe(200)
  })

  it('takes the account over from whoever opened it with their address and never proved it', async () => {
    const squatter = await fixture.person()
    const { subject } = outsider({ email: squatter.user.email })
    const { body } = await signIn(subject)
    expect(body.user.id).toBe(squatter.user.id)
    expect(await account(body.accessToken)).toMatchObject({ emailVerified: true, hasPassword: false })
    expect((await fixture.post('/v1/auth/login', { email: squatter.user.email, password })).status).toBe(401)
    const refreshed = await fixture.post('/v1/auth/refresh', { refreshToken: squatter.refreshToken })
    expect(refreshed.status).toBe(401)
  })

  it('is refused while the provider does not vouch for their address', async () => {
    const person = await fixture.person()
    for (const unproved of [
      outsider({ email: person.user.email, email_verified: false }),
      outsider({ email_verified: false }),
      outsider({ email: 'no address' }),
    ]) {
      const { status, body } = await signIn(unproved.subject)
      expect([status, body.code]).toEqual([403, 'oidc-email-unverified'])
    }
  })

  it('is called by a name of ours when they have none', async () => {
    const { subject } = outsider({ name: '\u202e' })
    expect((await signIn(subject)).body.user.displayName).toBe('New listener')
  })

  it('gets one account, however often they finish at once', async () => {
    const { subject } = outsider()
    const visits = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { authorizationUrl, flow } = await begin()
        return { flow, callbackUrl: await provider.visit(authorizationUrl, subject) }
      }),
    )
    const answers = await Promise.all(visits.map(({ flow, callbackUrl }) => finish(flow, callbackUrl)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1)
  })
})

describe('a sign-in with the outside provider', () => {
  it('asks with PKCE, state and nonce', async () => {
    const { authorizationUrl } = await begin()
    const { searchParams } = new URL(authorizationUrl)
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/)
  })

  it('is finished once, by whoever began it, within 10 minutes', async () => {
    const { subject } = outsider()
    const [one, other] = [await begin(), await begin()]
    const callbackUrl = await provider.visit(one.authorizationUrl, subject)
    const crossed = await finish(other.flow, callbackUrl)
    expect([crossed.status, crossed.body.code]).toEqual([401, 'oidc-refused'])
    expect((await finish('A'.repeat(43), callbackUrl)).body.code).toBe('oidc-unknown')
    expect((await finish(one.flow, callbackUrl)).status).toBe(200)
    expect((await finish(one.flow, callbackUrl)).body.code).toBe('oidc-unknown')
    const late = await begin()
    fixture.pass(10 * 60_000)
    expect((await finish(late.flow, callbackUrl)).body.code).toBe('oidc-unknown')
  })

  it('is refused with a code that was forged, or that the provider denied', async () => {
    const { subject } = outsider()
    const { authorizationUrl, flow } = await begin()
    const forged = new URL(await provider.visit(authorizationUrl, subject))
    forged.searchParams.set('code', 'A'.repeat(43))
    expect((await finish(flow, forged.href)).body.code).toBe('oidc-refused')
    const denied = await begin()
    const state = new URL(denied.authorizationUrl).searchParams.get('state') ?? ''
    const { OIDC_ISSUER, OIDC_REDIRECT_URL } = provider.settings
    const query = new URLSearchParams({ error: 'access_denied', state, iss: OIDC_ISSUER }).toString()
    expect((await finish(denied.flow, `${OIDC_REDIRECT_URL}?${query}`)).body.code).toBe('oidc-refused')
  })

  it('keeps what the provider calls the person sealed', async () => {
    const { subject } = outsider()
    const { body } = await signIn(subject)
    const rows = await fixture.query<{ row: string }>(
      `select e::text as row from events.events as e where key = $1
       union all select i::text from identities as i where account_id = $2`,
      [body.user.id, body.user.id],
    )
    for (const { row } of rows) {
      expect(row).not.toContain(subject)
      expect(row).not.toContain(Buffer.from(subject).toString('hex'))
    }
  })

  it('is not there without settings, and half of them stop the start', async () => {
    const without = await fixture.open({ OIDC_ISSUER: undefined })
    expect((await without.app.request('/v1/auth/oidc/begin', { method: 'POST' })).status).toBe(404)
    await expect(fixture.open({ OIDC_CLIENT_SECRET: undefined })).rejects.toMatchObject({
      problems: [expect.stringContaining('OIDC_CLIENT_SECRET')],
    })
  })
})
