import { randomUUID } from 'node:crypto'
import { createLog } from '@veza/kit/log'
import { expect, it, onTestFinished } from 'vitest'
import { type AuthOperations, openAuthOperations } from '@veza/auth'
import { accountStream } from './adapters/streams.ts'
import { openParts } from './open-parts.ts'
import { openAuthStore } from './store.ts'
import { openAuthFixture } from './testing/auth-fixture.ts'
import { openOutsideProvider } from './testing/outside-provider.ts'

const log = createLog('test', 'silent')

it('rows of accounts and identities that are rebuilt from events are those that commands wrote', async () => {
  const provider = await openOutsideProvider()
  onTestFinished(() => provider.close())
  const fixture = await openAuthFixture(provider.settings)
  onTestFinished(() => fixture.close())
  const signInOutside = async (subject: string, email: string) => {
    provider.people.set(subject, { email, email_verified: true, name: 'Olga' })
    const { body } = await fixture.post<{ authorizationUrl: string; flow: string }>('/v1/auth/oidc/begin', {})
    const callbackUrl = await provider.visit(body.authorizationUrl, subject)
    return (await fixture.post('/v1/auth/oidc/finish', { flow: body.flow, callbackUrl })).body.user
  }
  const common = { log, codec: fixture.codec, now: fixture.now }
  const operations: AuthOperations = await openAuthOperations(fixture.settings, common)
  onTestFinished(() => operations.close())
  const store = await openAuthStore(fixture.settings, { ...common, applicationName: 'test' })
  onTestFinished(() => store.close())

  const [ana, ben, gone] = [await fixture.person(), await fixture.person(), await fixture.person()]
  const olga = await signInOutside('olga', 'olga@example.org')
  await signInOutside('gone', gone.user.email)
  await operations.grantRole({ email: ana.user.email, role: 'admin' })
  await store.erase(gone.user.id, { actor: 'auth-erasure', causation: 'x' })
  const imported = { id: randomUUID(), email: 'imported@example.org', displayName: 'I', emailVerified: true }
  const report = await operations.importUsers(
    (async function* () {
      yield await Promise.resolve(JSON.stringify(imported))
    })(),
    { problem: () => undefined, progress: () => undefined },
  )
  expect(report).toMatchObject({ imported: 1 })
  // From before names were sealed, and its row is lost.
  const parts = await openParts(fixture.settings, { ...common, applicationName: 'test', poolSize: 1 })
  onTestFinished(() => parts.close())
  const former = randomUUID()
  const email = await parts.personal.sealOne(former, 'email', 'former@example.org')
  await parts.streams.accounts.execute(parts.database.db, {
    ...{ stream: accountStream(former), key: former },
    decide: () => [
      {
        ...{ type: 'registered', userId: former, at: fixture.now(), displayName: 'Former', formerId: null },
        email,
        ...{ emailVerified: false, method: 'password' },
      },
    ],
  })
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 6, mended: 1 })
  const nameOf = async (userId: string) => {
    const [row] = await fixture.query<{ display_name: string | null; sealed_name: Buffer | null }>(
      'select display_name, sealed_name from accounts where id = $1',
      [userId],
    )
    const sealed = row?.sealed_name ?? null
    return [row?.display_name, ...(await parts.personal.open([{ userId, field: 'displayName', sealed }]))]
  }
  expect(await nameOf(former)).toEqual([null, 'Former'])

  const rows = () => fixture.query('select * from accounts order by id')
  const identities = () => fixture.query('select * from identities')
  const [live, linked] = [await rows(), await identities()]
  expect([live, linked].map(({ length }) => length)).toEqual([6, 1])
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 6, mended: 0 })

  // What a wrong statement does, and a restore without the last rows.
  await fixture.query(
    `update accounts set sealed_name = 'x', roles = '{moderator}', version = 99 where id = $1`,
    [ana.user.id],
  )
  await fixture.query('update accounts set email_hash = decode(repeat($1, 32), $2) where id = $3', [
    '00',
    'hex',
    ben.user.id,
  ])
  await fixture.query('delete from accounts where id = $1', [imported.id])
  await fixture.query(`update identities set identity_hash = 'x' where account_id = $1`, [olga.id])
  const told: number[] = []
  expect(await operations.rebuildAccounts((accounts) => void told.push(accounts))).toEqual({
    accounts: 6,
    mended: 4,
  })
  expect(told).toEqual([6])
  expect([await rows(), await identities()]).toEqual([live, linked])
  // Their address there is another by now: nothing but the link leads to their account.
  expect((await signInOutside('olga', 'elsewhere@example.org')).id).toBe(olga.id)
  // Something happens to an account between the reading of its events and the writing of its row.
  await fixture.query('begin')
  await fixture.query('select from accounts where id = $1 for update', [ben.user.id])
  const rebuilding = operations.rebuildAccounts()
  const waiting = () =>
    parts.database.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
  await expect.poll(async () => (await waiting()).rowCount, { timeout: 20_000 }).toBe(1)
  await parts.streams.accounts.execute(parts.database.db, {
    ...{ stream: accountStream(ben.user.id), key: ben.user.id },
    decide: () => [{ type: 'email-verified', userId: ben.user.id, at: fixture.now() }],
  })
  await fixture.query('commit')
  expect(await rebuilding).toEqual({ accounts: 6, mended: 1 })
  const benNow = await fixture.query('select version, email_verified_at from accounts where id = $1', [
    ben.user.id,
  ])
  expect(benNow).toEqual([{ version: 2, email_verified_at: fixture.now() }])

  // Whose link is lost and whose address changed gets another account, and with it the newer link.
  await fixture.query('delete from identities')
  fixture.pass(1_000)
  const other = await signInOutside('olga', 'elsewhere@example.org')
  expect(other.id).not.toBe(olga.id)
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 7, mended: 0 })
  await fixture.query('delete from identities')
  await operations.rebuildAccounts()
  expect(await identities()).toMatchObject([{ account_id: other.id }])

  // A name of before they were sealed is sealed once, and again where the row's is none.
  await fixture.query(`update accounts set sealed_name = 'x' where id = $1`, [former])
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 7, mended: 1 })
  expect(await nameOf(former)).toEqual([null, 'Former'])
  const signIn = { email: ben.user.email, password: ben.password }
  expect((await fixture.post('/v1/auth/login', signIn)).status).toBe(200)

  // The key of all hashes is lost: another one is made, and addresses and identities are found by it.
  await fixture.query(`delete from secrets where name = 'blind-index'`)
  const anew = await openAuthOperations(fixture.settings, common)
  onTestFinished(() => anew.close())
  expect(await anew.rebuildAccounts()).toEqual({ accounts: 7, mended: 6 })
  const next = await fixture.open()
  const answer = await next.app.request('/v1/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(signIn),
  })
  expect(answer.status).toBe(200)
})
