import { ERRORS } from '@tus/server'
import { createLog } from '@veza/kit/log'
import { type FreshDatabase, freshDatabase } from '@veza/kit/testing'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { sharedLocks } from './shared-locks.ts'

const log = createLog('test', 'silent')
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

/** What takes locks, as a process of its own would. */
const locker = (url = database.url) => {
  const locks = sharedLocks(url, log)
  onTestFinished(() => locks.close())
  return locks
}
const { signal } = new AbortController()

/** Somebody waits for what another one has, and goes before they have it. */
const waitAndGo = async (id: string) => {
  const waiting = new AbortController()
  const lock = locker().newLock(id)
  const refused = expect(lock.lock(waiting.signal, () => undefined)).rejects.toBe(ERRORS.ERR_LOCK_TIMEOUT)
  waiting.abort()
  await refused
}

it('asks whoever has an upload, in whatever process, to let go of it, and has it when they did', async () => {
  for (const [first, second] of [
    [locker(), locker()],
    (() => {
      const same = locker()
      return [same, same]
    })(),
  ] as const) {
    const held = first.newLock('upload')
    const asked = vi.fn(() => void held.unlock())
    await held.lock(signal, asked)
    const wanted = second.newLock('upload')
    await wanted.lock(signal, () => undefined)
    expect(asked).toHaveBeenCalled()
    await wanted.unlock()
  }
})

it('stops waiting when whoever waits has gone', async () => {
  const held = locker().newLock('gone')
  await held.lock(signal, () => undefined)
  await waitAndGo('gone')
  await held.unlock()
})

it('tells holders to stop when the connection is lost, and others have what they held', async () => {
  const held = locker().newLock('lost')
  const asked = vi.fn()
  await held.lock(signal, asked)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'upload-locks'",
  )
  await client.end()
  await vi.waitFor(() => {
    expect(asked).toHaveBeenCalled()
  })
  const next = locker().newLock('lost')
  await next.lock(signal, () => undefined)
  // What is held no more can be given back, and takes nothing from whoever has it now.
  await held.unlock()
  await held.unlock()
  await waitAndGo('lost')
  await next.unlock()
})

/** The next question that anybody asks a database is not answered. */
const unanswered = () => {
  const late = new Error('Query read timeout')
  const query = vi.spyOn(pg.Client.prototype, 'query').mockImplementationOnce(() => {
    throw late
  })
  onTestFinished(() => {
    query.mockRestore()
  })
  return late
}

it('gives up a connection that did not answer, and with it what that holds', async () => {
  const locks = locker()
  const held = locks.newLock('held')
  const asked = vi.fn()
  await held.lock(signal, asked)
  const late = unanswered()
  await expect(locks.newLock('late').lock(signal, () => undefined)).rejects.toBe(late)
  await vi.waitFor(() => {
    expect(asked).toHaveBeenCalled()
  })
  const next = locker().newLock('held')
  await next.lock(signal, () => undefined)
  await next.unlock()
})

it('leaves no connection open on which it could not listen', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  onTestFinished(() => client.end())
  const connections = async () => {
    const { rowCount } = await client.query(
      "select from pg_stat_activity where datname = current_database() and application_name = 'upload-locks'",
    )
    return rowCount
  }
  await vi.waitFor(async () => {
    expect(await connections()).toBe(0)
  })
  const late = unanswered()
  const lock = locker().newLock('deaf')
  await expect(lock.lock(signal, () => undefined)).rejects.toBe(late)
  await lock.lock(signal, () => undefined)
  await vi.waitFor(async () => {
    expect(await connections()).toBe(1)
  })
  await lock.unlock()
})

it('refuses while the database is away, and leaves nothing locked here', async () => {
  const away = locker('postgres://nobody@127.0.0.1:9/none')
  for (let times = 0; times < 2; times++)
    await expect(away.newLock('away').lock(signal, () => undefined)).rejects.toThrow('ECONNREFUSED')
})
