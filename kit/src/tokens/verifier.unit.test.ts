import { SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, expect, test, vi } from 'vitest'
import { type TokenSigner, createTokenSigner } from '../testing/index.ts'
import { type Identity, createTokenVerifier } from './index.ts'

let signer: TokenSigner
beforeAll(async () => {
  signer = await createTokenSigner()
})

const now = 1_800_000_000_000
const identity: Identity = {
  userId: '3f0c4b52-7f5c-4b43-9a8b-1d8b4b1f7f5c',
  name: 'Ada',
  roles: ['member'],
  scopes: ['chat'],
  sessionId: 's1',
  expiresAt: now / 1000 + 600,
}

const verifier = (options: Partial<Parameters<typeof createTokenVerifier>[0]> = {}) =>
  createTokenVerifier({
    keys: signer.keys,
    issuer: 'veza',
    audience: 'veza',
    now: () => now,
    ...options,
  })

test('a good token says whom it speaks for', async () => {
  expect(await verifier().verify(await signer.sign(identity))).toEqual(identity)
  const signedIn = { ...identity, signedInAt: now / 1000 - 60 }
  expect(await verifier().verify(await signer.sign(signedIn))).toEqual(signedIn)
})

test.each([
  ['another issuer', { claims: { iss: 'mallory' } }],
  ['another audience', { claims: { aud: 'other' } }],
  ['another type', { header: { typ: 'JWT' } }],
  ['no type', { header: { typ: undefined } }],
  ['no kid', { header: { kid: undefined } }],
  ['an unknown kid', { header: { kid: 'other' } }],
  ['no subject', { claims: { sub: undefined } }],
  ['an empty subject', { claims: { sub: '' } }],
  ['no expiry', { claims: { exp: undefined } }],
  ['no time of issue', { claims: { iat: undefined } }],
  ['no name', { claims: { name: undefined } }],
  ['no session', { claims: { sid: undefined } }],
  ['roles that are no list', { claims: { roles: 'admin' } }],
  ['roles that are no text', { claims: { roles: [1] } }],
  ['a time of signing in that is none', { claims: { auth_time: 'today' } }],
])('%s is invalid', async (_case, change) => {
  await expect(verifier().verify(await signer.sign(identity, change))).rejects.toMatchObject({
    name: 'InvalidToken',
    code: 'invalid',
  })
})

test('other algorithms are invalid: none, and the public key as a shared secret', async () => {
  const claims = { sub: 'u', name: 'n', roles: [], sid: 's' }
  const none = new UnsecuredJWT(claims)
    .setIssuer('veza')
    .setAudience('veza')
    .setExpirationTime(identity.expiresAt)
  const shared = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'test-key' })
    .setIssuer('veza')
    .setAudience('veza')
    .setIssuedAt()
    .setExpirationTime(identity.expiresAt)
    .sign(Buffer.from(JSON.stringify(signer.jwks.keys[0])))
  for (const token of [none.encode(), await shared]) {
    await expect(verifier().verify(token)).rejects.toMatchObject({ code: 'invalid' })
  }
})

test.each(['', 'abc', 'a.b.c', '.'.repeat(5000), 'ä.ö.ü'])('%j is invalid', async (token) => {
  await expect(verifier().verify(token)).rejects.toMatchObject({ code: 'invalid' })
})

test('a token of another key, or one that was changed, is invalid', async () => {
  const other = await createTokenSigner()
  await expect(verifier().verify(await other.sign(identity))).rejects.toMatchObject({ code: 'invalid' })
  const [header, payload, signature] = (await signer.sign(identity)).split('.')
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as object
  const changed = Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url')
  await expect(verifier().verify(`${header ?? ''}.${changed}.${signature ?? ''}`)).rejects.toMatchObject({
    code: 'invalid',
  })
})

test('an expired token is expired, remembered or not', async () => {
  let time = now
  const { verify } = verifier({ now: () => time })
  const token = await signer.sign(identity)
  await verify(token)
  time = identity.expiresAt * 1000 - 1
  await verify(token)
  time = identity.expiresAt * 1000
  await expect(verify(token)).rejects.toMatchObject({ code: 'expired' })
  await expect(verify(token)).rejects.toMatchObject({ code: 'expired' })
})

test('a token that was verified is not verified again, while it is remembered', async () => {
  const keys = vi.fn(signer.keys)
  const { verify } = verifier({ keys, cacheSize: 1 })
  const [first, second] = [await signer.sign(identity), await signer.sign({ ...identity, sessionId: 's2' })]
  await verify(first)
  await verify(first)
  expect(keys).toHaveBeenCalledTimes(1)
  await verify(second)
  await verify(first)
  expect(keys).toHaveBeenCalledTimes(3)
})

test('keys that cannot be read are not the token’s fault', async () => {
  const { verify } = verifier({ keys: () => Promise.reject(new Error('database away')) })
  await expect(verify(await signer.sign(identity))).rejects.toMatchObject({
    name: 'KeysUnavailable',
    cause: { message: 'database away' },
  })
})
