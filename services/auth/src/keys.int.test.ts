import { randomBytes, randomUUID } from 'node:crypto'
import { serve, type Server } from '@veza/kit/http'
import { freshDatabase } from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { exportJWK, generateKeyPair, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrateAuth } from '@veza/auth/migrate'
import { openAuthFixture, type AuthFixture } from './testing/auth-fixture.ts'
import { signingKeysOf, type TestKeys } from './testing/signing-keys.ts'

let fixture: AuthFixture
let server: Server
let keys: TestKeys
beforeAll(async () => {
  fixture = await openAuthFixture()
  server = await serve(fixture.auth.app, { host: '127.0.0.1', port: 0 })
  keys = await signingKeysOf(fixture.settings, fixture.codec, fixture.now())
})
afterAll(async () => {
  await server.close()
  await fixture.close()
})

const url = () => `http://127.0.0.1:${server.port}`
const verifier = () =>
  createTokenVerifier({
    jwksUrl: `${url()}/.well-known/jwks.json`,
    issuer: 'veza',
    audience: 'veza',
    now: () => fixture.now().getTime(),
  })

describe('the key set', () => {
  it('has public halves only, and may be cached for less than a new key is published before use', async () => {
    const response = await fetch(`${url()}/.well-known/jwks.json`)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const coordinate = expect.stringMatching(/^[\w-]{43}$/) as unknown
    expect(await response.json()).toEqual({
      keys: [
        { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate, kid: keys.kid, use: 'sig', alg: 'ES256' },
      ],
    })
  })

  it('is given key by key to a verifier in the same process', async () => {
    const { user, accessToken } = await fixture.person()
    const inside = createTokenVerifier({
      keys: (kid) => fixture.auth.publicKey(kid),
      issuer: 'veza',
      audience: 'veza',
      now: () => fixture.now().getTime(),
    })
    expect((await inside.verify(accessToken)).userId).toBe(user.id)
    expect(fixture.auth.publicKey('other')).toBeUndefined()
  })
})

describe('an access token', () => {
  it('says who holds it, of which session, until when', async () => {
    const { user, accessToken } = await fixture.person()
    const issuedAt = Math.floor(fixture.now().getTime() / 1000)
    expect(await verifier().verify(accessToken)).toEqual({
      userId: user.id,
      name: 'Ana',
      roles: [],
      scopes: ['account', 'chat', 'tracks'],
      sessionId: expect.any(String) as unknown,
      expiresAt: issuedAt + 600,
      signedInAt: issuedAt,
    })
  })

  it('keeps its session over a refresh', async () => {
    const person = await fixture.person()
    const { body } = await fixture.post('/v1/auth/refresh', { refreshToken: person.refreshToken })
    const check = verifier()
    const [before, after] = [await check.verify(person.accessToken), await check.verify(body.accessToken)]
    expect(after.sessionId).toBe(before.sessionId)
  })

  it('ends after 10 minutes', async () => {
    const { accessToken } = await fixture.person()
    fixture.pass(601_000)
    await expect(verifier().verify(accessToken)).rejects.toMatchObject({ code: 'expired' })
  })
})

describe('a verifier with this key set', () => {
  const claims = (change: JWTPayload = {}): JWTPayload => {
    const now = Math.floor(fixture.now().getTime() / 1000)
    const standard = {
      sub: randomUUID(),
      name: 'Eve',
      roles: ['admin'],
      sid: randomUUID(),
      iss: 'veza',
      aud: 'veza',
    }
    return { ...standard, iat: now, exp: now + 600, ...change }
  }
  const signed = (payload: JWTPayload, header: Partial<JWTHeaderParameters> = {}, key = keys.privateKey) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.kid, ...header })
      .sign(key)
  const refusal = expect.objectContaining({ name: 'InvalidToken', code: 'invalid' }) as Error

  it('accepts what this test signs in the same way: the refusals below are for their one difference', async () => {
    expect(await verifier().verify(await signed(claims()))).toMatchObject({ name: 'Eve' })
  })

  it.each<[string, () => Promise<string> | string]>([
    ['of another typ', () => signed(claims(), { typ: 'JWT' })],
    [
      'of no typ',
      () => new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: keys.kid }).sign(keys.privateKey),
    ],
    ['of an unknown kid', () => signed(claims(), { kid: 'other' })],
    [
      'of no kid',
      () => new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).sign(keys.privateKey),
    ],
    ['of another issuer', () => signed(claims({ iss: 'eve' }))],
    ['of another audience', () => signed(claims({ aud: 'others' }))],
    ['without roles', () => signed(claims({ roles: undefined }))],
    [
      'with alg none',
      () => {
        const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
        return `${part({ alg: 'none', typ: 'at+jwt', kid: keys.kid })}.${part(claims())}.`
      },
    ],
    [
      'signed with the public key as an HMAC secret',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keys.kid })
          .sign(Buffer.from(JSON.stringify(keys.published()[0]))),
    ],
    [
      'signed by another key under our kid',
      async () => {
        const { privateKey } = await generateKeyPair('ES256')
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.kid })
          .sign(privateKey)
      },
    ],
    [
      'that brings its own key',
      async () => {
        const { privateKey, publicKey } = await generateKeyPair('ES256')
        const jwk = await exportJWK(publicKey)
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.kid, jwk })
          .sign(privateKey)
      },
    ],
    ['that is a refresh token', async () => (await fixture.person()).refreshToken],
    ['that was changed', async () => `${(await fixture.person()).accessToken.slice(0, -4)}AAAA`],
  ])('refuses a token %s', async (_, make) => {
    await expect(verifier().verify(await make())).rejects.toEqual(refusal)
  })
})

describe('signing keys at rest', () => {
  it('are sealed', async () => {
    const rows = await fixture.query<{ private_key: Buffer }>('select private_key from signing_keys')
    expect(rows).toHaveLength(1)
    const der = keys.privateKey.export({ format: 'jwk' }).d ?? ''
    expect(rows[0]?.private_key.includes(Buffer.from(der, 'base64url'))).toBe(false)
  })

  it('are the same for every process that opens them at once', async () => {
    const database = await freshDatabase()
    await migrateAuth(database.url)
    const all = await Promise.all(
      Array.from({ length: 6 }, () => fixture.open({ AUTH_DATABASE_URL: database.url })),
    )
    const sets = await Promise.all(
      all.map(async ({ app }) => (await app.request('/.well-known/jwks.json')).text()),
    )
    expect(new Set(sets).size).toBe(1)
    await Promise.all(all.map((auth) => auth.close()))
    await database.drop()
  })

  it('that do not open stop the start with a line that names the setting', async () => {
    const wrong = fixture.open({ KEY_ENCRYPTION_KEY: randomBytes(32) })
    await expect(wrong).rejects.toMatchObject({
      name: 'EnvironmentError',
      problems: [expect.stringMatching(/^KEY_ENCRYPTION_KEY is not the key/)],
    })
  })

  it('leave other failures at the start as they are', async () => {
    const database = await freshDatabase()
    const unmigrated = fixture.open({ AUTH_DATABASE_URL: database.url })
    await expect(unmigrated).rejects.toThrow('does not exist')
    await database.drop()
  })
})
