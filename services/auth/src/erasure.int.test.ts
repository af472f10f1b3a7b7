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

  it('leaves nothing that tells the address: not a byte of it, and no key that opens what is sealed', async () => {
    const { user } = await fixture.person()
    const [before] = await fixture.query<{ payload: Buffer }>(
      `select payload from events.events where key = $1 and type = 'UserRegistered'`,
      [user.id],
    )
    const decoded = fixture.codec.decode(topics.authEvents, before?.payload ?? Buffer.of())
    if ('unknownSchemaId' in decoded || decoded.type !== 'UserRegistered') throw new Error('another record')
    const item = {
      sealed: decoded.value.email,
      place: { table: 'auth.events', row: user.id, column: 'email' },
    }

    const open = async () => {
      // A process that starts now: no key is in its memory.
      const parts = await openParts(fixture.settings, {
        ...{ log, codec: fixture.codec, applicationName: 'test', poolSize: 1 },
      })
      const opened = await parts.sealing.open([item]).finally(() => parts.close())
      return opened[0]
    }
    expect(await open()).toMatchObject({ state: 'open', plain: Buffer.from(user.email) })

    const [key] = await fixture.query<{ wrapped: Buffer }>(
      'select wrapped from sealing.data_keys where subject = $1',
      [user.id],
    )
    await store.erase(user.id, cause)
    expect(await open()).toEqual({ state: 'erased' })
    const tables = await fixture.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    const wrapped = key?.wrapped.toString('hex') ?? 'none'
    for (const { name } of tables) {
      const rows = await fixture.query<{ row: string }>(`select t::text as row from ${name} as t`)
      for (const { row } of rows)
        for (const secret of [user.email, Buffer.from(user.email).toString('hex'), wrapped])
          expect(row, name).not.toContain(secret)
    }
    // What is left in the log is whole, and worth nothing.
    const [after] = await fixture.query<{ payload: Buffer }>(
      `select payload from events.events where key = $1 and type = 'UserRegistered'`,
      [user.id],
    )
    expect(after?.payload.equals(before?.payload ?? Buffer.of())).toBe(true)
  })
})
