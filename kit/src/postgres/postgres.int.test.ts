import { sql } from 'kysely'
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../log/index.ts'
import { type FreshDatabase, freshDatabase } from '../testing/index.ts'
import {
  type Database,
  type Migrations,
  isUnavailable,
  isUniqueViolation,
  migrate,
  openDatabase,
} from './index.ts'

interface Tables {
  things: { id: string }
}

const logged: string[] = []
const log = createLog('test', 'warn', { write: (line) => void logged.push(line) })
const migrations: Migrations = {
  '001-things': {
    async up(db) {
      await sql`create table things (id text primary key)`.execute(db)
    },
  },
}
let fresh: FreshDatabase
let database: Database<Tables>

const open = (url: string, poolSize = 4): Database<Tables> =>
  openDatabase<Tables>(url, { applicationName: 'kit-test', poolSize, log })

beforeAll(async () => {
  fresh = await freshDatabase()
  await migrate(fresh.url, migrations)
  database = open(fresh.url)
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const one = async (query: string, of = database): Promise<Record<string, unknown> | undefined> =>
  (await of.pool.query<Record<string, unknown>>(query)).rows[0]

test('int8 is a number, or an error when it is too large for one', async () => {
  expect(await one('select 9007199254740991::int8 as a, null::int8 as b, 1.5::numeric as c')).toEqual({
    a: Number.MAX_SAFE_INTEGER,
    b: null,
    c: '1.5',
  })
  await expect(one('select 9007199254740992::int8')).rejects.toThrow('9007199254740992')
  expect(await one('select 1 as still_usable')).toEqual({ still_usable: 1 })
})

test('connections have their limits and their name', async () => {
  expect(
    await one(`select current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle,
      current_setting('transaction_timeout') as transaction, current_setting('application_name') as name`),
  ).toEqual({ statement: '30s', idle: '5s', transaction: '30s', name: 'kit-test' })
})

test('check says nothing of a database that answers, and why one does not', async () => {
  expect(await database.check()).toBeUndefined()
  const nowhere = open('postgres://postgres@127.0.0.1:1/nothing')
  expect(await nowhere.check()).toContain('ECONNREFUSED')
  await nowhere.close()
})

test('a connection that is ended while idle is replaced, and the process lives', async () => {
  const own = open(fresh.url, 1)
  const pid = (await one('select pg_backend_pid() as pid', own))?.['pid']
  await database.pool.query('select pg_terminate_backend($1)', [pid])
  await expect.poll(() => logged.join()).toContain('lost an idle database connection')
  expect((await one('select pg_backend_pid() as pid', own))?.['pid']).not.toBe(pid)
  await own.close()
})

test('a connection that is ended under a query is unavailability', async () => {
  const own = open(fresh.url, 1)
  const pid = (await one('select pg_backend_pid() as pid', own))?.['pid']
  const query = own.pool.query('select pg_sleep(30)').catch((error: unknown) => error)
  await expect
    .poll(async () => one(`select state from pg_stat_activity where pid = ${String(pid)}`))
    .toEqual({ state: 'active' })
  await database.pool.query('select pg_terminate_backend($1)', [pid])
  expect(isUnavailable(await query)).toBe(true)
  await own.close()
})

test('a full pool is unavailability', async () => {
  const own = open(fresh.url, 1)
  const client = await own.pool.connect()
  expect(isUnavailable(await own.pool.query('select 1').catch((e: unknown) => e))).toBe(true)
  client.release()
  expect(await one('select 1 as a', own)).toEqual({ a: 1 })
  await own.close()
})

test('a database that nobody serves is unavailability', async () => {
  const refused = open('postgres://postgres@127.0.0.1:1/nothing')
  expect(
    isUnavailable(
      await refused.db
        .selectFrom('things')
        .execute()
        .catch((e: unknown) => e),
    ),
  ).toBe(true)
  await refused.close()

  // A server that accepts and never answers: what a stopped process looks like.
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const stuck = open(`postgres://postgres@127.0.0.1:${port}/nothing`)
  expect(isUnavailable(await stuck.pool.query('select 1').catch((e: unknown) => e))).toBe(true)
  for (const socket of sockets) socket.destroy()
  silent.close()
  await stuck.close()
})

test('a connection that is cut is unavailability', async () => {
  const { hostname, port } = new URL(fresh.url)
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined)
      sockets.add(socket)
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(fresh.url)
  url.port = String((proxy.address() as AddressInfo).port)
  const own = open(url.href, 1)
  await one('select 1', own)
  const query = own.pool.query('select pg_sleep(30)').catch((error: unknown) => error)
  for (const socket of sockets) socket.destroy()
  expect(isUnavailable(await query)).toBe(true)
  proxy.close()
  await own.close()
})

test('four migrators at once: each step runs once', async () => {
  const own = await freshDatabase()
  const steps: Migrations = {
    ...migrations,
    '002-slow': {
      up: async (db) => {
        await sql`select pg_sleep(0.2)`.execute(db)
        await sql`create table steps (id int primary key)`.execute(db)
      },
    },
  }
  const ran = await Promise.all(Array.from({ length: 4 }, () => migrate(own.url, steps)))
  expect(ran.flat().sort()).toEqual(['001-things', '002-slow'])
  expect(ran.filter(({ length }) => length > 0)).toHaveLength(1)
  expect(await migrate(own.url, steps)).toEqual([])
  await own.drop()
})

test('a step that fails leaves the database as it was', async () => {
  const own = await freshDatabase()
  const broken: Migrations = {
    ...migrations,
    '002-broken': {
      up: async (db) => {
        await sql`select nothing`.execute(db)
      },
    },
  }
  await expect(migrate(own.url, broken)).rejects.toThrow('"nothing" does not exist')
  const odd: Migrations = {
    // A step may throw anything.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    '001-odd': { up: () => Promise.reject('odd') },
  }
  await expect(migrate(own.url, odd)).rejects.toMatchObject({ cause: 'odd' })
  expect(await migrate(own.url, migrations)).toEqual(['001-things'])
  await own.drop()
  await expect(migrate(own.url, migrations)).rejects.toMatchObject({ code: '3D000' })
})

test('a unique violation names its constraint', async () => {
  const row = { id: 'a' }
  await database.db.insertInto('things').values(row).execute()
  const error: unknown = await database.db
    .insertInto('things')
    .values(row)
    .execute()
    .catch((e: unknown) => e)
  expect(isUniqueViolation(error, 'things_pkey')).toBe(true)
})

test('a prepared query is given its values each time, and is planned once by a connection', async () => {
  const one = openDatabase<Record<string, never>>(fresh.url, { applicationName: 'test', poolSize: 1, log })
  try {
    const add = one.prepare('test-add', ({ a, b }: { a: number; b: number }) =>
      one.db.selectNoFrom(sql<number>`${a}::int - ${b}::int + ${1}`.as('sum')),
    )
    expect(await add({ b: 1, a: 5 })).toEqual([{ sum: 5 }])
    expect(await add({ a: 10, b: 4 })).toEqual([{ sum: 7 }])
    const { rows } = await one.pool.query('select name from pg_prepared_statements')
    expect(rows).toEqual([{ name: 'test-add' }])
  } finally {
    await one.close()
  }
})

test('parameters of the server hold for every connection', async () => {
  const one = openDatabase<Record<string, never>>(fresh.url, {
    ...{ applicationName: 'test', poolSize: 1, log },
    parameters: { 'pg_trgm.word_similarity_threshold': 0.45, work_mem: '5MB' },
  })
  try {
    const { rows } = await one.pool.query<{ mem: string; threshold: string; limit: string }>(`
      select current_setting('work_mem') as mem, current_setting('transaction_timeout') as limit,
        current_setting('pg_trgm.word_similarity_threshold') as threshold`)
    expect(rows).toEqual([{ mem: '5MB', threshold: '0.45', limit: '30s' }])
  } finally {
    await one.close()
  }
})
