import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type AuthSettings } from './settings.ts'
import { type AuthFixture, openAuthFixture, type SignedInBody } from './testing/auth-fixture.ts'
import { openOutsideProvider, type OutsideProvider } from './testing/outside-provider.ts'

let provider: OutsideProvider
let fixture: AuthFixture
beforeAll(async () => {
  provider = await openOutsideProvider()
  fixture = await openAuthFixture()
})
afterEach(() => {
  provider.instead.clear()
})
afterAll(async () => {
  await fixture.close()
  await provider.close()
})

/** What either route answers. */
type Read = SignedInBody & { authorizationUrl: string; flow: string; code?: string }

/** A process of auth that has asked the provider nothing yet. */
const openProcess = async (settings: Partial<AuthSettings> = {}) => {
  const auth = await fixture.open({ ...provider.settings, OIDC_TIMEOUT: 1_500, ...settings })
  onTestFinished(() => auth.close())
  const post = async (path: string, body?: unknown) => {
    const response = await auth.app.request(path, {
      method: 'POST',
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const read = (await response.json()) as Read
    const { status, headers } = response
    return {
      body: read,
      said: [status, read.code, headers.get('retry-after')],
      isProblem: headers.get('content-type') === 'application/problem+json',
    }
  }
  return {
    begin: () => post('/v1/auth/oidc/begin'),
    finish: (flow: string, callbackUrl: string) => post('/v1/auth/oidc/finish', { flow, callbackUrl }),
  }
}

let count = 0
/** Somebody who has been at the provider, and is sent back. */
const comeBack = async ({ begin }: Awaited<ReturnType<typeof openProcess>>) => {
  const subject = `visitor-${++count}`
  provider.people.set(subject, { email: `${subject}@example.org`, email_verified: true, name: 'Ana' })
  const { authorizationUrl, flow } = (await begin()).body
  return [flow, await provider.visit(authorizationUrl, subject)] as const
}

const unavailable = [503, 'unavailable', '5']
const invalid = [502, 'oidc-provider-invalid', null]
const refused = [401, 'oidc-refused', null]

const silence = () => undefined
const answers =
  (status: number, body: string, type = 'application/json') =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': type }).end(body)
  }
const page = answers(200, '<title>Down for maintenance</title>', 'text/html')
const hangsUp = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
  response.write('{"half":', () => response.destroy())
}
const endless = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const goOn = () => {
    while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
  }
  response.on('drain', goOn)
  goOn()
}

const discovery = '/.well-known/openid-configuration'

describe('a sign-in is not begun', () => {
  it('while nothing listens at the address of the provider, or what listens never answers', async () => {
    const gone = await openOutsideProvider()
    await gone.close()
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => {
      server.close()
    })
    await once(server, 'listening')
    const silent = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const issuer of [gone.settings.OIDC_ISSUER, silent]) {
      const { begin } = await openProcess({ OIDC_ISSUER: issuer })
      const answer = await begin()
      expect([answer.said, answer.isProblem]).toEqual([unavailable, true])
    }
  })

  it('while the provider answers with anything else, and is as soon as it is well', async () => {
    const { begin } = await openProcess()
    const issuer = JSON.stringify({ issuer: 'https://elsewhere.example' })
    for (const [instead, said] of [
      [answers(503, 'later', 'text/plain'), unavailable],
      [answers(429, '{}'), unavailable],
      [hangsUp, unavailable],
      [page, invalid],
      [endless, invalid],
      [answers(404, '{}'), invalid],
      [answers(200, '{"issuer":'), invalid],
      [answers(200, '[]'), invalid],
      [answers(200, issuer), invalid],
    ] as const) {
      provider.instead.set(discovery, instead)
      const answer = await begin()
      expect([answer.said, answer.isProblem]).toEqual([said, true])
    }
    provider.instead.clear()
    expect((await begin()).said[0]).toBe(200)
    expect(await fixture.query('select from oidc_flows')).toHaveLength(1)
  })
})

describe('a sign-in is not finished, and nothing of it is there', () => {
  const nothing = async () => {
    for (const table of ['accounts', 'identities', 'sessions', 'events.events'])
      expect(await fixture.query(`select from ${table}`)).toEqual([])
  }

  it.each([
    ['does not answer', '/token', silence, unavailable],
    ['hangs up', '/token', hangsUp, unavailable],
    ['is too busy', '/token', answers(503, '{}'), unavailable],
    ['answers with a page', '/token', page, invalid],
    ['answers with nothing', '/token', answers(200, ''), invalid],
    ['has nothing to answer', '/token', answers(204, ''), invalid],
    ['answers with half of it', '/token', answers(200, '{"access_token":'), invalid],
    ['answers without an ID token', '/token', answers(200, '{"token_type":"bearer"}'), invalid],
    ['does not take our secret', '/token', answers(401, '{"error":"invalid_client"}'), invalid],
    ['does not tell of the person', '/me', silence, unavailable],
    ['tells of somebody else', '/me', answers(200, '{"sub":"somebody-else"}'), invalid],
    ['answers about the person with a page', '/me', page, invalid],
    ['has no keys', '/jwks', answers(503, '{}'), unavailable],
    ['answers with a page for keys', '/jwks', page, invalid],
  ])('while the provider %s (%s)', async (_, path, instead, said) => {
    const auth = await openProcess()
    const back = await comeBack(auth)
    provider.instead.set(path, instead)
    const answer = await auth.finish(...back)
    expect([answer.said, answer.isProblem]).toEqual([said, true])
    await nothing()

    // The code was spent, and with it the sign-in.
    provider.instead.clear()
    if (path !== '/token') expect((await auth.finish(...back)).said).toEqual(refused)
    await nothing()
  })

  it("with an ID token that none of the provider's keys has signed", async () => {
    const auth = await openProcess()
    const response = await fetch(`${provider.settings.OIDC_ISSUER}/jwks`)
    const { keys } = (await response.json()) as { keys: { kid: string; kty: string }[] }
    const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    const others = keys.map((key) => (key.kty === 'RSA' ? { ...key, n } : key))
    provider.instead.set('/jwks', answers(200, JSON.stringify({ keys: others })))
    expect((await auth.finish(...(await comeBack(auth)))).said).toEqual(refused)
    await nothing()
  })

  it('but is by the same request, when the provider had not taken the code', async () => {
    const auth = await openProcess()
    const back = await comeBack(auth)
    provider.instead.set('/token', page)
    expect((await auth.finish(...back)).said).toEqual(invalid)
    provider.instead.clear()
    const { said, body } = await auth.finish(...back)
    expect([said[0], body.user.displayName]).toEqual([200, 'Ana'])
    expect((await auth.finish(...back)).said).toEqual([400, 'oidc-unknown', null])
  })
})
