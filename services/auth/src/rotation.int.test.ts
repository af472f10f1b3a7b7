import { randomBytes } from 'node:crypto'
import { authEnvironment } from '@veza/auth'
import { migrateAuth } from '@veza/auth/migrate'
import { readEnv } from '@veza/kit/env'
import { type FreshDatabase, freshDatabase } from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccessTokens } from './adapters/access-tokens.ts'
import { openAuthFixture, testCodec } from './testing/auth-fixture.ts'
import { signingKeysOf, type TestKeys, testSchedule } from './testing/signing-keys.ts'

const minute = 60_000
const start = Date.UTC(2026, 10, 24)
const at = (minutes: number) => new Date(start + minutes * minute)
const kidsOf = (keys: TestKeys) => keys.published().map(({ kid }) => kid)

let database: FreshDatabase
let client: pg.Client
let processes: TestKeys[]
beforeAll(async () => {
  database = await freshDatabase()
  await migrateAuth(database.url)
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const settings = readEnv(authEnvironment, {
    AUTH_DATABASE_URL: database.url,
    SERVICE_TOKEN: 'a-service-token-for-tests',
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  })
  const codec = await testCodec()
  processes = await Promise.all(Array.from({ length: 4 }, () => signingKeysOf(settings, codec, at(0))))
})
afterAll(async () => {
  await Promise.all(processes.map((keys) => keys.close()))
  await client.end()
  await database.drop()
})

const rotateAll = (minutes: number) => Promise.all(processes.map((keys) => keys.rotate(at(minutes))))
const agreed = (minutes: number) => {
  const sets = processes.map((keys) => kidsOf(keys).sort().join())
  expect(new Set(sets).size).toBe(1)
  const signing = new Set(processes.map((keys) => keys.signing(at(minutes)).kid))
  expect(signing.size).toBe(1)
  const [kid = ''] = signing
  return { kid, published: processes[0] ? kidsOf(processes[0]) : [] }
}

describe('signing keys of several processes', () => {
  it('rotate by the schedule: all agree on one next key, public before it signs, kept after it', async () => {
    const first = agreed(0)
    expect(first.published).toEqual([first.kid])

    await rotateAll(39)
    expect(agreed(39)).toEqual(first)
    await rotateAll(40)
    const announced = agreed(40)
    expect(announced.kid).toBe(first.kid)
    expect(announced.published).toHaveLength(2)

    const second = agreed(60)
    expect(second.kid).not.toBe(first.kid)
    await rotateAll(74)
    expect(agreed(74).published).toContain(first.kid)
    await rotateAll(75)
    expect(agreed(75)).toEqual({ kid: second.kid, published: [second.kid] })
    const { rows } = await client.query('select kid from signing_keys')
    expect(rows).toEqual([{ kid: second.kid }])
  })

  it('give a verifier that looks every 10 minutes no token that it does not know, over days', async () => {
    const [writer, publisher] = processes
    if (!writer || !publisher) throw new Error('no processes')
    let now = 100
    const sign = createAccessTokens(writer, 'veza')
    let cached = new Map(publisher.published().map((key) => [key.kid, key]))
    const verifier = createTokenVerifier({
      ...{ keys: (kid) => cached.get(kid), issuer: 'veza', audience: 'veza' },
      now: () => at(now).getTime(),
    })
    const account = { id: '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f', displayName: 'Ana', roles: [] }
    const seen = new Set<string>()
    let held: string | undefined
    for (; now < 100 + 24 * 60; now += 5) {
      // Each process at its own pace, as the minute of each begins when it started.
      if (now % 2 === 0) await writer.rotate(at(now))
      else await publisher.rotate(at(now))
      if (now % 10 === 0) cached = new Map(publisher.published().map((key) => [key.kid, key]))
      seen.add(writer.signing(at(now)).kid)
      if (held) await verifier.verify(held)
      held = await sign(account, { id: 'b5b1c5a0-0000-4000-8000-000000000000', startedAt: at(now) }, at(now))
      await verifier.verify(held)
    }
    expect(seen.size).toBeGreaterThan(18)
  })

  it('catch up when nobody ran for a week, and have the next key public in full before it signs', async () => {
    const week = 8 * 24 * 60
    await rotateAll(24 * 60 + 100)
    const before = agreed(week).kid
    await rotateAll(week)
    expect(agreed(week).kid).toBe(before)
    expect(agreed(week + 19).kid).toBe(before)
    expect(agreed(week + 20).kid).not.toBe(before)
  })

  it('are sealed at rest, each of them', async () => {
    const { rows } = await client.query<{ private_key: Buffer }>('select private_key from signing_keys')
    expect(rows.length).toBeGreaterThan(0)
    for (const { private_key } of rows)
      for (const keys of processes) {
        const secret = keys.privateKey.export({ format: 'jwk' }).d ?? 'none'
        expect(private_key.includes(Buffer.from(secret, 'base64url'))).toBe(false)
      }
  })
})

describe('auth', () => {
  it('serves the next key before it signs with it, and takes tokens of both', async () => {
    const own = await openAuthFixture({ SIGNING_KEY_PERIOD: 2 * testSchedule.periodMs })
    const other = await own.open()
    try {
      const before = await own.person()
      own.pass(101 * minute)
      await Promise.all([own.auth.rotateKeys(), other.rotateKeys()])
      const { body } = await own.get<{ keys: { kid: string }[] }>('/.well-known/jwks.json')
      expect(body.keys).toHaveLength(2)
      expect(await (await other.app.request('/.well-known/jwks.json')).json()).toEqual(body)
      own.pass(19 * minute)
      const last = await own.post('/v1/auth/refresh', { refreshToken: before.refreshToken })
      own.pass(1 * minute)
      const next = await own.post('/v1/auth/refresh', { refreshToken: last.body.refreshToken })
      for (const { accessToken } of [last.body, next.body])
        expect((await own.get('/v1/auth/account', accessToken)).status).toBe(200)
      const kidOf = (token: string) =>
        (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid
      expect(kidOf(next.body.accessToken)).not.toBe(kidOf(last.body.accessToken))
    } finally {
      await own.close()
    }
  })
})
