import { randomUUID } from 'node:crypto'
import { createSealing, envKeyEncryption } from '@veza/kit/sealing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import sharp from 'sharp'
import { eraseDue } from './commands/erase-due.ts'
import { openStreams } from './adapters/streams.ts'
import { type Person, startUsers, type UsersFixture } from './testing/users-fixture.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface ErasureBody {
  state: string
  dueAt: string | null
}

const secretOf = (one: Person) => `secret-${one.userId.slice(0, 8)}`

/** Somebody who has one of everything, each with a word in it that nobody else has. */
const personWithAll = async (): Promise<Person & { handle: string; avatar: string }> => {
  const ana = await fixture.person()
  const secret = secretOf(ana)
  const handle = `h${randomUUID().replaceAll('-', '').slice(0, 20)}`
  await ana.call('PATCH', '/v1/users/me', {
    displayName: secret,
    handle,
    bio: `${secret} bio`,
    location: `${secret} town`,
    links: [{ url: `https://${secret}.example.org` }],
    private: { fullName: `${secret} name`, phone: '+4930987654321', birthDate: '1990-01-02' },
  })
  await ana.call('PATCH', '/v1/users/me/settings', { timeZone: 'Europe/Lisbon' })
  const picture = await sharp({ create: { width: 90, height: 90, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const put = await ana.call<{ avatar: Record<string, string> }>('PUT', '/v1/users/me/avatar', picture, {
    'content-type': 'image/png',
  })
  return { ...ana, handle, avatar: put.body.avatar['64'] ?? '' }
}

/** Every row of every table of the database, as text: bytes in hexadecimal and, where they are UTF-8, as that too. */
const dump = async (): Promise<string> => {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`.execute(fixture.db)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await fixture.database.pool.query<Record<string, unknown>>(`select * from ${name}`)
    for (const row of rows)
      for (const value of Object.values(row))
        texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value))
  }
  return texts.join('\n')
}

describe('a person who wants to be forgotten', () => {
  it('is, at once where there is no grace', async () => {
    const ana = await personWithAll()
    const [bob, eve] = [await fixture.person('Bob'), await fixture.person('Eve')]
    for (const one of [bob, eve]) await one.call('GET', '/v1/users/me')
    await bob.call('PUT', `/v1/users/${ana.userId}/follow`)
    await ana.call('PUT', `/v1/users/${bob.userId}/follow`)
    await ana.call('PUT', `/v1/users/${eve.userId}/block`)
    await bob.call('GET', `/v1/users/${ana.userId}`)

    const erased = await ana.call<ErasureBody>('DELETE', '/v1/users/me')
    expect(erased).toMatchObject({ status: 202, body: { state: 'erased', dueAt: null } })

    await expect
      .poll(async () => (await bob.call<{ code: string }>('GET', `/v1/users/${ana.userId}`)).body.code)
      .toBe('user-not-found')
    expect(
      (await bob.call<{ followers: number; following: number }>('GET', '/v1/users/me')).body,
    ).toMatchObject({
      followers: 0,
      following: 0,
    })
    const followers = await bob.call<{ users: unknown[] }>('GET', `/v1/users/${bob.userId}/followers`)
    expect(followers.body.users).toEqual([])
    expect((await bob.call<{ users: unknown[] }>('GET', `/v1/users?q=${secretOf(ana)}`)).body.users).toEqual(
      [],
    )
    expect((await eve.call<{ users: unknown[] }>('GET', '/v1/users/me/blocks')).body.users).toEqual([])
    expect((await fixture.users.app.request(ana.avatar)).status).toBe(404)
    expect((await bob.call('PATCH', '/v1/users/me', { handle: ana.handle })).status).toBe(200)
  })

  it('leaves no byte that says anything, in any table', async () => {
    const ana = await personWithAll()
    await ana.call('GET', '/v1/users/me')
    // The views show it, so the search for it finds what there is to be found.
    expect(await dump()).toContain(secretOf(ana))
    await ana.call('DELETE', '/v1/users/me')
    await expect.poll(dump).not.toContain(secretOf(ana))
    const left = await dump()
    for (const word of [ana.handle, '+4930987654321', '1990-01-02']) expect(left).not.toContain(word)
  })

  it('leaves sealed values that open nowhere, also in a copy of the database with its keys of now', async () => {
    const ana = await personWithAll()
    const events = await fixture.store.readStream(fixture.db, `user-${ana.userId}`)
    const sealed = events.flatMap(({ value }) => [
      ...('profile' in value ? [{ name: 'profile' as const, sealed: value.profile }] : []),
      ...('fields' in value ? [{ name: 'private-profile' as const, sealed: value.fields }] : []),
      ...('settings' in value ? [{ name: 'settings' as const, sealed: value.settings }] : []),
    ])
    expect(sealed.length).toBeGreaterThanOrEqual(4)
    const documents = sealed.map((one) => ({ userId: ana.userId, ...one }))
    const before = await fixture.personal.open(documents)
    expect(JSON.stringify(before)).toContain(secretOf(ana))
    await ana.call('DELETE', '/v1/users/me')
    // Another process, with nothing in memory and the very key-encryption key.
    const elsewhere = createSealing({ db: fixture.db, keyEncryption: envKeyEncryption([fixture.key]) })
    const opened = await elsewhere.open(
      sealed.map((one) => ({
        sealed: one.sealed,
        place: { table: 'users.events', row: ana.userId, column: one.name },
      })),
    )
    expect(opened.map(({ state }) => state)).toEqual(sealed.map(() => 'erased'))
  })

  it('has nothing that they can do any more with a token that has not run out', async () => {
    const ana = await personWithAll()
    const bob = await fixture.person('Bob')
    await bob.call('GET', '/v1/users/me')
    await ana.call('DELETE', '/v1/users/me')
    for (const [method, path, body] of [
      ['GET', '/v1/users/me', undefined],
      ['GET', '/v1/users/me/settings', undefined],
      ['PATCH', '/v1/users/me', { bio: 'back' }],
      ['PATCH', '/v1/users/me/settings', { theme: 'dark' }],
      ['DELETE', '/v1/users/me', undefined],
      ['POST', '/v1/users/me/export', undefined],
      ['PUT', `/v1/users/${bob.userId}/follow`, undefined],
      ['DELETE', '/v1/users/me/avatar', undefined],
    ] as const)
      expect(await ana.call(method, path, body), `${method} ${path}`).toMatchObject({
        status: 410,
        body: { code: 'user-erased' },
      })
    const picture = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    expect(
      await ana.call('PUT', '/v1/users/me/avatar', picture, { 'content-type': 'image/png' }),
    ).toMatchObject({ body: { code: 'user-erased' } })
    expect(await bob.call('PUT', `/v1/users/${ana.userId}/follow`)).toMatchObject({
      body: { code: 'user-not-found' },
    })
  })

  it('has to have signed in a short time ago', async () => {
    const old = Math.floor(Date.now() / 1000) - 3_600
    for (const claims of [{ signedInAt: old }, { signedInAt: undefined }]) {
      const ana = await fixture.person('Ana', fixture.users, claims)
      await ana.call('GET', '/v1/users/me')
      expect(await ana.call('DELETE', '/v1/users/me')).toMatchObject({
        status: 403,
        body: { code: 'sign-in-again' },
      })
      expect((await ana.call('GET', '/v1/users/me')).status).toBe(200)
    }
  })
})

describe('a time of grace', () => {
  const day = 24 * 60 * 60 * 1000

  const withGrace = async (now?: () => Date) => {
    const users = await fixture.open({ USERS_ERASURE_GRACE: day }, now)
    const ana = await fixture.person('Ana', users)
    await ana.call('GET', '/v1/users/me')
    return ana
  }
  const sweep = (now: Date) => {
    const { db, store, sealing, personal } = fixture
    return eraseDue({ db, streams: openStreams(store, personal), sealing, now: () => now })()
  }

  it('lets people take it back, and change nothing until then', async () => {
    const ana = await withGrace()
    const asked = await ana.call<ErasureBody>('DELETE', '/v1/users/me')
    expect(asked.body.state).toBe('pending')
    expect((await ana.call<ErasureBody>('DELETE', '/v1/users/me')).body).toEqual(asked.body)
    expect((await ana.call<{ erasureDueAt: string }>('GET', '/v1/users/me')).body.erasureDueAt).toBe(
      asked.body.dueAt,
    )
    expect(await ana.call('PATCH', '/v1/users/me', { bio: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'erasure-pending' },
    })
    expect((await ana.call('DELETE', '/v1/users/me/erasure')).status).toBe(204)
    expect(await ana.call('DELETE', '/v1/users/me/erasure')).toMatchObject({
      status: 409,
      body: { code: 'no-erasure-pending' },
    })
    expect((await ana.call('PATCH', '/v1/users/me', { bio: 'x' })).status).toBe(200)
    expect(await sweep(new Date(Date.now() + 2 * day))).toBe(0)
    expect((await ana.call('GET', '/v1/users/me')).status).toBe(200)
  })

  it('ends with erasure, once, whoever looks for what is due', async () => {
    const ana = await withGrace()
    await ana.call('DELETE', '/v1/users/me')
    expect(await sweep(new Date())).toBe(0)
    const later = new Date(Date.now() + day + 1_000)
    const erased = await Promise.all([sweep(later), sweep(later), sweep(later)])
    expect(erased.reduce((sum, count) => sum + count, 0)).toBe(1)
    expect(await ana.call('GET', '/v1/users/me')).toMatchObject({ status: 410 })
    expect(await sweep(later)).toBe(0)
  })
})
