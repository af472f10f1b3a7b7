import { randomBytes } from 'node:crypto'
import { createLog } from '@veza/kit/log'
import { migrate, openDatabase } from '@veza/kit/postgres'
import { createDataKeys, createSealing, envKeyEncryption } from '@veza/kit/sealing'
import { freshDatabase } from '@veza/kit/testing'
import { expect, onTestFinished, test } from 'vitest'
import { callOps } from './testing/call-ops.ts'

const log = createLog('test', 'silent')

test('rewrap-keys wraps the keys of every context anew, and says what it could not', async () => {
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrate(fresh.url, { '001-keys': { up: createDataKeys } })
  const database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 1, log })
  onTestFinished(() => database.close())
  const [before, now] = [randomBytes(32), randomBytes(32)]
  const place = { table: 't', row: 'r', column: 'c' }
  const [sealed = Buffer.of()] = await createSealing({
    db: database.db,
    keyEncryption: envKeyEncryption([before]),
  }).seal([{ subject: 'u', plain: Buffer.from('x'), place }])
  const urls = {
    ...{ AUTH_DATABASE_URL: fresh.url, USERS_DATABASE_URL: fresh.url },
    ...{ CHAT_DATABASE_URL: fresh.url, TRACKS_DATABASE_URL: fresh.url },
  }

  const without = await callOps(['rewrap-keys'], { ...urls, KEY_ENCRYPTION_KEY: now.toString('base64') })
  expect(without).toMatchObject({ code: 1 })
  expect(without.errors).toContain('1 keys need env:')
  const done = await callOps(['rewrap-keys'], {
    ...urls,
    KEY_ENCRYPTION_KEY: now.toString('base64'),
    KEY_ENCRYPTION_KEY_PREVIOUS: before.toString('base64'),
  })
  expect(done).toMatchObject({ code: 0 })
  expect(done.output).toContain('auth: 1 keys wrapped anew under env:')
  for (const context of ['users', 'chat', 'tracks'])
    expect(done.output).toContain(`${context}: 0 keys wrapped anew`)
  const elsewhere = createSealing({ db: database.db, keyEncryption: envKeyEncryption([now]) })
  expect(await elsewhere.open([{ sealed, place }])).toEqual([{ state: 'open', plain: Buffer.from('x') }])
})

test('rewrap-keys takes no arguments', async () => {
  expect((await callOps(['rewrap-keys', 'now'], {})).code).toBe(64)
})
