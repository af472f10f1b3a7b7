import { createHash } from 'node:crypto'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { hash as argon2 } from '@node-rs/argon2'
import { createLog } from '@veza/kit/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthOperations, openAuthOperations } from '@veza/auth'
import { openAuthFixture, type AuthFixture, type ProblemBody } from './testing/auth-fixture.ts'
import { createDecoyHashes } from './adapters/decoy-hashes.ts'
import { openParts } from './open-parts.ts'
import { importedUserId } from './domain/import-line.ts'

let fixture: AuthFixture
let operations: AuthOperations
beforeAll(async () => {
  fixture = await openAuthFixture()
  operations = await openAuthOperations(fixture.settings, {
    ...{ log: createLog('auth', 'silent'), codec: fixture.codec, now: fixture.now },
  })
})
afterAll(async () => {
  await operations.close()
  await fixture.close()
})

const lines = async function* (texts: readonly unknown[]) {
  for (const text of texts)
    yield await Promise.resolve(typeof text === 'string' ? text : JSON.stringify(text))
}
const run = async (texts: readonly unknown[]) => {
  const problems: { line: number; reason: string }[] = []
  const report = await operations.importUsers(lines(texts), {
    problem: (problem) => problems.push(problem),
    progress: () => undefined,
  })
  return { ...report, problems }
}
const login = (email: string, password: string) =>
  fixture.post<ProblemBody & { user: { id: string; displayName: string }; accessToken: string }>(
    '/v1/auth/login',
    { email, password },
  )
const hashOf = async (userId: string) =>
  (
    await fixture.query<{ password_hash: string }>(
      'select password_hash from credentials where account_id = $1',
      [userId],
    )
  )[0]?.password_hash

describe('an import of users', () => {
  it('lets them sign in with their passwords, and hashes these anew when they do', async () => {
    const decomposed = 'cafe\u0301 au lait'
    const people = [
      { id: 1, email: 'bcrypt@example.org', passwordHash: await bcrypt('the bcrypt one', { cost: 4 }) },
      { id: 2, email: 'unicode@example.org', passwordHash: await bcrypt(decomposed, { cost: 4 }) },
      {
        id: 3,
        email: 'argon@example.org',
        passwordHash: await argon2('the argon one', { memoryCost: 1024, timeCost: 2 }),
      },
    ].map((person) => ({ displayName: 'Old Friend', emailVerified: true, ...person }))
    expect(await run(people)).toEqual({ imported: 3, present: 0, refused: 0, problems: [] })

    const passwords = ['the bcrypt one', decomposed, 'the argon one']
    for (const [i, { id, email, passwordHash }] of people.entries()) {
      const userId = importedUserId(String(id))
      expect((await login(email, 'wrong password')).status).toBe(401)
      expect(await hashOf(userId)).toBe(passwordHash)
      const { status, body } = await login(email, passwords[i] ?? '')
      expect(status).toBe(200)
      expect(body.user).toMatchObject({ id: userId, displayName: 'Old Friend' })
      expect(await hashOf(userId)).toMatch(/^\$argon2id\$v=19\$m=48128,t=1,p=1\$/)
      expect((await login(email, passwords[i]?.normalize('NFC') ?? '')).status).toBe(200)
    }
  })

  it('emits what it did as events, as of when it was', async () => {
    const registeredAt = '2019-05-04T00:00:00.000Z'
    await run([
      { id: 'e-1', email: 'events@example.org', displayName: 'E', roles: ['moderator'], registeredAt },
    ])
    const userId = importedUserId('e-1')
    const rows = await fixture.query<{ type: string; actor: string; version: number }>(
      'select type, actor, version from events.events where key = $1 order by version',
      [userId],
    )
    expect(rows).toEqual([
      { type: 'UserRegistered', actor: 'operator', version: 1 },
      { type: 'RolesChanged', actor: 'operator', version: 2 },
    ])
    const [account] = await fixture.query('select version, roles, created_at from accounts where id = $1', [
      userId,
    ])
    expect(account).toEqual({ version: 2, roles: ['moderator'], created_at: new Date(registeredAt) })
  })

  it('tells bad lines by their number, and imports the others', async () => {
    const { user } = await fixture.person()
    const good = (n: number) => ({ id: `good-${n}`, email: `good-${n}@example.org`, displayName: 'G' })
    const outcome = await run([
      good(1),
      'no json',
      { ...good(2), passwordHash: 'plain text' },
      '',
      { ...good(3), email: user.email },
      { ...good(4), id: 'good-1b', email: 'good-1@example.org' },
      good(5),
    ])
    expect(outcome).toMatchObject({ imported: 2, present: 0, refused: 4 })
    expect(outcome.problems.map(({ line }) => line).sort()).toEqual([2, 3, 5, 6])
  })

  it('broken off and run again, goes on, and imports nobody twice', async () => {
    const everybody = Array.from({ length: 500 }, (_, n) => ({
      ...{ id: `many-${n}`, email: `many-${n}@example.org`, displayName: 'M' },
    }))
    const broken = async function* () {
      for await (const line of lines(everybody.slice(0, 450))) yield line
      throw new Error('killed')
    }
    const tell = { problem: () => undefined, progress: () => undefined }
    await expect(operations.importUsers(broken(), tell)).rejects.toThrow('killed')
    const both = await Promise.all([run(everybody), run(everybody)])
    for (const { imported, present, refused } of both) {
      expect(imported + present).toBe(500)
      expect([present >= 400, refused]).toEqual([true, 0])
    }
    expect(both[0].imported + both[1].imported).toBe(100)
    const [{ count } = { count: '' }] = await fixture.query<{ count: string }>(
      `select count(*) from events.events where type = 'UserRegistered' and key = any($1)`,
      [everybody.map(({ id }) => importedUserId(id))],
    )
    expect(Number(count)).toBe(500)
  })
})

describe('an address that nobody has', () => {
  it('is held against hashes of the kinds that there are, as often as there are', async () => {
    const own = await openAuthFixture()
    const parts = await openParts(own.settings, {
      ...{ log: createLog('auth', 'silent'), codec: own.codec, applicationName: 'test', poolSize: 1 },
    })
    const decoys = createDecoyHashes(parts.database.db)
    const addresses = Array.from({ length: 1_000 }, (_, n) => parts.index.email(`nobody-${n}@example.org`))
    const foreign = () => addresses.filter((hash) => decoys.of(hash) !== undefined).length
    await own.person()
    await decoys.refresh()
    expect(foreign()).toBe(0)

    const hash = await bcrypt('the former one', { cost: 4 })
    for (let n = 0; n < 3; n++) await own.person()
    await own.query(
      'update credentials set password_hash = $1 where account_id = (select min(account_id::text)::uuid from credentials)',
      [hash],
    )
    await own.query('analyze credentials')
    await decoys.refresh()
    expect(foreign()).toBeGreaterThan(200)
    expect(foreign()).toBeLessThan(300)
    const decided = addresses.map((address) => decoys.of(address))
    expect(addresses.map((address) => decoys.of(address))).toEqual(decided)
    expect(decided).toContain(hash)
    await parts.close()
    await own.close()
  })

  it('is not signed in to by the password of whoever the decoy is from', async () => {
    const passwordHash = await bcrypt('the borrowed one', { cost: 4 })
    await run([{ id: 'decoy', email: 'decoy@example.org', displayName: 'D', passwordHash }])
    for (let n = 0; n < 5; n++)
      expect((await login(`nobody-${n}@example.org`, 'the borrowed one')).body.code).toBe(
        'invalid-credentials',
      )
  })
})

describe('the roles of an account', () => {
  const roles = (userId: string) => `/v1/auth/accounts/${userId}/roles`

  it('are given the first time by an operator, then by administrators', async () => {
    const [admin, other] = [await fixture.person(), await fixture.person()]
    const granted = await operations.grantRole({ email: admin.user.email.toUpperCase(), role: 'admin' })
    expect(granted).toEqual({ userId: admin.user.id, roles: ['admin'], version: 2 })
    expect(await operations.grantRole({ email: admin.user.email, role: 'admin' })).toEqual(granted)
    const before = await fixture.get<ProblemBody>(roles(other.user.id), admin.accessToken)
    expect([before.status, before.body.code]).toEqual([403, 'scope-missing'])

    const { accessToken } = (await login(admin.user.email, admin.password)).body
    const read = await fixture.get<{ roles: string[]; version: number }>(roles(other.user.id), accessToken)
    expect(read.body).toEqual({ roles: [], version: 1 })
    const change = (body: object) =>
      fixture.send<ProblemBody & { currentVersion: number; roles: string[] }>(
        'PUT',
        roles(other.user.id),
        body,
        {
          accessToken,
        },
      )
    const changed = await change({ roles: ['moderator'], version: 1 })
    expect(changed.body).toEqual({ roles: ['moderator'], version: 2 })
    const conflict = await change({ roles: [], version: 1 })
    expect([conflict.status, conflict.body.code, conflict.body.currentVersion]).toEqual([
      ...[409, 'version-conflict', 2],
    ])
    expect((await change({ roles: ['root'], version: 2 })).status).toBe(400)
    expect((await change({ roles: ['moderator'], version: 2 })).body).toEqual(changed.body)

    const refreshed = await fixture.post('/v1/auth/refresh', { refreshToken: other.refreshToken })
    const [, claims = ''] = refreshed.body.accessToken.split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      roles: ['moderator'],
      scope: 'account chat moderate tracks',
    })
  })

  it("are nobody else's to read or to change, and of nobody", async () => {
    const [eve, admin] = [await fixture.person(), await fixture.person()]
    await operations.grantRole({ email: admin.user.email, role: 'admin' })
    const { accessToken } = (await login(admin.user.email, admin.password)).body
    const mine = { roles: ['admin'], version: 1 }
    const taken = await fixture.send('PUT', roles(eve.user.id), mine, { accessToken: eve.accessToken })
    expect(taken.status).toBe(403)
    expect((await fixture.get(roles(eve.user.id))).status).toBe(401)
    const nobody = '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f'
    expect((await fixture.get<ProblemBody>(roles(nobody), accessToken)).body.code).toBe('no-such-account')
    await expect(operations.grantRole({ email: 'nobody@example.org', role: 'admin' })).rejects.toMatchObject({
      code: 'no-such-account',
    })
  })
})

describe('the audit', () => {
  interface Page {
    entries: { type: string; actor: string; address: string | null; traceId: string; userId: string }[]
    next: string | null
  }
  const read = async (query: string, accessToken: string) =>
    (await fixture.get<Page & ProblemBody>(`/v1/audit?${query}`, accessToken)).body

  it('tells administrators who did what, from where, in which trace', async () => {
    const [admin, other] = [await fixture.person(), await fixture.person()]
    await operations.grantRole({ email: admin.user.email, role: 'admin' })
    const { accessToken } = (await login(admin.user.email, admin.password)).body
    const at = { address: '203.0.113.9' }
    await fixture.post('/v1/auth/login', { email: other.user.email, password: other.password }, at)
    await fixture.send(
      'PUT',
      `/v1/auth/accounts/${other.user.id}/roles`,
      { roles: ['moderator'], version: 1 },
      { accessToken, address: '198.51.100.7' },
    )
    const { entries, next } = await read(`userId=${other.user.id}`, accessToken)
    expect(entries.map(({ type, actor, address }) => [type, actor, address])).toEqual([
      ['RolesChanged', admin.user.id, '198.51.100.7'],
      ['SessionStarted', other.user.id, '203.0.113.9'],
      ['SessionStarted', other.user.id, null],
      ['UserRegistered', other.user.id, null],
    ])
    for (const { traceId } of entries) expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(next).toBeNull()
    const done = await read(`actor=operator&limit=1`, accessToken)
    expect(done.entries).toEqual([expect.objectContaining({ type: 'RolesChanged', userId: admin.user.id })])
  })

  it('is read page by page', async () => {
    const admin = await fixture.person()
    await operations.grantRole({ email: admin.user.email, role: 'admin' })
    const { accessToken } = (await login(admin.user.email, admin.password)).body
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 4; page++) {
      const { entries, next } = await read(`userId=${admin.user.id}&limit=1${cursor}`, accessToken)
      seen.push(...entries.map(({ type }) => type))
      cursor = `&cursor=${next ?? ''}`
      if (next === null) break
    }
    expect(seen).toEqual(['SessionStarted', 'RolesChanged', 'SessionStarted', 'UserRegistered'])
    for (const query of ['cursor=nonsense', 'limit=1000', 'userId=42'])
      expect((await read(query, accessToken)).code).toBe('invalid-request')
    const { accessToken: plain } = await fixture.person()
    expect((await read('', plain)).code).toBe('scope-missing')
  })
})

describe('accounts of before there were events', () => {
  it('become events, with their passwords, and are in the clear no more', async () => {
    const id = '0198c3a4-1b2c-7d3e-8f40-00000000f001'
    const hash = createHash('sha256').update(id).digest('hex')
    await fixture.query(
      `insert into former_accounts (id, email, display_name, password_hash, created_at)
       values ($1, $2, 'Former', $3, '2026-11-22')`,
      [id, `former-${hash.slice(0, 8)}@example.org`, await bcrypt('the former one', { cost: 4 })],
    )
    const again = await openAuthFixture({ ...fixture.settings })
    await again.close()
    const { body } = await login(`former-${hash.slice(0, 8)}@example.org`, 'the former one')
    expect(body.user).toMatchObject({ id, displayName: 'Former' })
    expect(await fixture.query('select id from former_accounts')).toEqual([])
  })
})
