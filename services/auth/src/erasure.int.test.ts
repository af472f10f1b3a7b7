import { randomBytes } from 'node:crypto'
import { topics } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthStore, openAuthStore } from '@veza/auth/store'
import { openAuthFixture, password, type AuthFixture, type ProblemBody } from './testing/auth-fixture.ts'
import { openParts } from './open-parts.ts'

const log = createLog('auth', 'silent')
const cause = { actor: 'auth-erasure', causation: '0198c3a4-1b2c-7d3e-8f40-00000000e001' }

let fixture: AuthFixture
let store: AuthStore
beforeAll(async () => {
  fixture = await openAuthFixture()
  store = await openAuthStore(fixture.settings, { log, codec: fixture.codec, applicationName: 'test' })
})
afterAll(async () => {
  await store.close()
  await fixture.close()
})

const types = async (userId: string) =>
  (
    await fixture.query<{ type: string }>('select type from events.events where key = $1 order by position', [
      userId,
    ])
  ).map(({ type }) => type)

/** The rows of a table as text, bytes in hex. */
const rowsOf = async (table: string) =>
  (await fixture.query<{ row: string }>(`select t::text as row from ${table} as t`)).map(({ row }) => row)

describe('the row of an account', () => {
  it('has address and name sealed, in the very bytes of the table too', async () => {
    const displayName = `Ana ${randomBytes(8).toString('hex')}`
    const email = `${randomBytes(8).toString('hex')}@example.org`
    const { body } = await fixture.post('/v1/auth/register', { email, password, displayName })
    await fixture.query('checkpoint')
    const [file] = await fixture.query<{ bytes: Buffer }>(
      `select pg_read_binary_file(pg_relation_filepath('accounts')) as bytes`,
    )
    const bytes = file?.bytes ?? Buffer.of()
    const idBytes = Buffer.from(body.user.id.replaceAll('-', ''), 'hex')
    expect([idBytes, email, displayName].map((what) => bytes.includes(what))).toEqual([true, false, false])
  })

  it('of before names were sealed has it sealed by the next start, and works until then', async () => {
    const [person, gone, keyless] = [await fixture.person(), await fixture.person(), await fixture.person()]
    const former = `Former ${randomBytes(8).toString('hex')}`
    await fixture.query('update accounts set display_name = $2, sealed_name = null where id = $1', [
      ...[person.user.id, former],
    ])
    await store.erase(gone.user.id, cause)
    // What a process of before leaves of whom it erases.
    await fixture.query(`update accounts set display_name = '' where id = $1`, [gone.user.id])
    // Restored from before they were erased, when the keys were not.
    const restored = `Restored ${randomBytes(8).toString('hex')}`
    await fixture.query('update accounts set display_name = $2, sealed_name = null where id = $1', [
      ...[keyless.user.id, restored],
    ])
    const parts = await openParts(fixture.settings, {
      ...{ log, codec: fixture.codec, applicationName: 'test', poolSize: 1 },
    })
    await parts.database.db.transaction().execute((trx) => parts.sealing.erase(trx, keyless.user.id))
    await parts.close()
    const signIn = async () =>
      (await fixture.post('/v1/auth/login', { email: person.user.email, password })).body.user.displayName
    expect(await signIn()).toBe(former)

    await (await fixture.open()).close()
    const rows = (await rowsOf('accounts')).join()
    for (const name of [former, restored]) expect(rows).not.toContain(name)
    expect(await signIn()).toBe(former)
  })
})

describe('an account that is erased', () => {
  it('is signed in to by nobody, and its sessions have ended', async () => {
    const person = await fixture.person()
    await fixture.post('/v1/auth/login', { email: person.user.email, password })
    await store.erase(person.user.id, cause)
    expect((await fixture.post('/v1/auth/login', { email: person.user.email, password })).status).toBe(401)
    expect((await fixture.post('/v1/auth/refresh', { refreshToken: person.refreshToken })).status).toBe(401)
    const own = await fixture.get<ProblemBody>('/v1/auth/account', person.accessToken)
    expect(own.body.code).toBe('session-ended')
    expect(await types(person.user.id)).toEqual([
      ...['UserRegistered', 'SessionStarted', 'SessionStarted'],
      ...['AccountErased', 'SessionRevoked', 'SessionRevoked'],
    ])
  })

  it('is erased once, however often it is told, also when it never was', async () => {
    const { user } = await fixture.person()
    await Promise.all([store.erase(user.id, cause), store.erase(user.id, cause)])
    await store.erase(user.id, cause)
    expect((await types(user.id)).filter((type) => type === 'AccountErased')).toHaveLength(1)
    const nobody = '0198c3a4-1b2c-7d3e-8f40-00000000e002'
    await store.erase(nobody, cause)
    expect(await types(nobody)).toEqual([])
  })

  it('is signed in to by nobody who is just doing so', async () => {
    for (let n = 0; n < 5; n++) {
      const { user } = await fixture.person()
      const signIns = Array.from({ length: 3 }, () =>
        fixture.post('/v1/auth/login', { email: user.email, password }),
      )
      await Promise.all([...signIns, store.erase(user.id, cause)])
      for (const { status, body } of await Promise.all(signIns)) {
        if (status !== 200) continue
        const { refreshToken } = body
        expect((await fixture.post('/v1/auth/refresh', { refreshToken })).status).toBe(401)
      }
      const events = await types(user.id)
      const count = (type: string) => events.filter((one) => one === type).length
      expect(count('SessionRevoked')).toBe(count('SessionStarted'))
      expect(await fixture.query('select id from sessions where account_id = $1', [user.id])).toEqual([])
    }
  })

  it('gives its address free', async () => {
    const { user } = await fixture.person()
    await store.erase(user.id, cause)
    const again = await fixture.post('/v1/auth/register', {
      ...{ email: user.email, password, displayName: 'Ana again' },
    })
    expect(again.status).toBe(201)
    expect(again.body.user.id).not.toBe(user.id)
  })

  it('leaves nothing that tells address or name: not a byte of them, and no key that opens what is sealed', async () => {
    const displayName = `Ana ${randomBytes(8).toString('hex')}`
    const email = `${randomBytes(8).toString('hex')}@example.org`
    const { body } = await fixture.post('/v1/auth/register', { email, password, displayName })
    const { id } = body.user
    const written = async () => {
      const [event] = await fixture.query<{ payload: Buffer }>(
        `select payload from events.events where key = $1 and type = 'UserRegistered'`,
        [id],
      )
      return event?.payload ?? Buffer.of()
    }
    const before = await written()
    // The very bytes that go to the topic.
    for (const text of [email, displayName]) expect(before.includes(text)).toBe(false)
    const decoded = fixture.codec.decode(topics.authEvents, before)
    if ('unknownSchemaId' in decoded || decoded.type !== 'UserRegistered') throw new Error('another record')
    const place = { table: 'auth.events', row: id }
    const items = [
      { sealed: decoded.value.email, place: { ...place, column: 'email' } },
      { sealed: decoded.value.sealedName ?? Buffer.of(), place: { ...place, column: 'displayName' } },
    ]

    const open = async () => {
      // A process that starts now: no key is in its memory.
      const parts = await openParts(fixture.settings, {
        ...{ log, codec: fixture.codec, applicationName: 'test', poolSize: 1 },
      })
      return parts.sealing.open(items).finally(() => parts.close())
    }
    expect(await open()).toMatchObject([
      { state: 'open', plain: Buffer.from(email) },
      { state: 'open', plain: Buffer.from(displayName) },
    ])

    const [key] = await fixture.query<{ wrapped: Buffer }>(
      'select wrapped from sealing.data_keys where subject = $1',
      [id],
    )
    await store.erase(id, cause)
    expect(await open()).toEqual([{ state: 'erased' }, { state: 'erased' }])
    const tables = await fixture.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    const secrets = [email, displayName].flatMap((text) => [text, Buffer.from(text).toString('hex')])
    for (const { name } of tables) {
      const rows = await fixture.query<{ row: string }>(`select t::text as row from ${name} as t`)
      for (const { row } of rows)
        for (const secret of [...secrets, key?.wrapped.toString('hex') ?? 'none'])
          expect(row, name).not.toContain(secret)
    }
    // What is left in the log is whole, and worth nothing.
    expect((await written()).equals(before)).toBe(true)
  })
})
