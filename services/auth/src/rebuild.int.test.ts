import { randomUUID } from 'node:crypto'
import { createLog } from '@veza/kit/log'
import { expect, it, onTestFinished } from 'vitest'
import { type AuthOperations, openAuthOperations } from '@veza/auth'
import { accountStream } from './adapters/streams.ts'
import { openParts } from './open-parts.ts'
import { openAuthStore } from './store.ts'
import { openAuthFixture } from './testing/auth-fixture.ts'

const log = createLog('test', 'silent')

it('rows of accounts that are rebuilt from events are those that commands wrote', async () => {
  const fixture = await openAuthFixture()
  onTestFinished(() => fixture.close())
  const common = { log, codec: fixture.codec, now: fixture.now }
  const operations: AuthOperations = await openAuthOperations(fixture.settings, common)
  onTestFinished(() => operations.close())
  const store = await openAuthStore(fixture.settings, { ...common, applicationName: 'test' })
  onTestFinished(() => store.close())

  const [ana, ben, gone] = [await fixture.person(), await fixture.person(), await fixture.person()]
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
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 5, mended: 1 })
  expect(await fixture.query('select display_name from accounts where id = $1', [former])).toEqual([
    { display_name: 'Former' },
  ])

  const rows = () => fixture.query('select * from accounts order by id')
  const live = await rows()
  expect(live).toHaveLength(5)
  expect(await operations.rebuildAccounts()).toEqual({ accounts: 5, mended: 0 })

  // What a wrong statement does, and a restore without the last rows.
  await fixture.query(
    `update accounts set display_name = 'x', roles = '{moderator}', version = 99 where id = $1`,
    [ana.user.id],
  )
  await fixture.query('update accounts set email_hash = decode(repeat($1, 32), $2) where id = $3', [
    '00',
    'hex',
    ben.user.id,
  ])
  await fixture.query('delete from accounts where id = $1', [imported.id])
  const told: number[] = []
  expect(await operations.rebuildAccounts((accounts) => void told.push(accounts))).toEqual({
    accounts: 5,
    mended: 3,
  })
  expect(told).toEqual([5])
  expect(await rows()).toEqual(live)
  const signIn = { email: ben.user.email, password: ben.password }
  expect((await fixture.post('/v1/auth/login', signIn)).status).toBe(200)
})
