import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLog } from '../log/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import { type FreshDatabase, freshDatabase, testTelemetry } from '../testing/index.ts'
import { createEventStore } from '../events/index.ts'
import {
  type AnswerSeal,
  type Api,
  createApi,
  createHttpAnswers,
  idempotent,
  openAnswers,
  Problem,
  pruneHttpAnswers,
} from './index.ts'

const log = createLog('test', 'silent')
const telemetry = testTelemetry()
let fresh: FreshDatabase
let database: Database<unknown>
let app: Api
let runs: (string | undefined)[]
let hold: Promise<void>

beforeAll(async () => {
  fresh = await freshDatabase()
  await migrate(fresh.url, {
    '001-answers': { up: createHttpAnswers },
    '002-events': { up: createEventStore },
  })
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 10, log })
})

beforeEach(() => {
  runs = []
  hold = Promise.resolve()
  app = createApi({ log, telemetry })
  app.post('/things/:status', idempotent(database.db), async (c) => {
    runs.push(c.var.idempotencyKey)
    await hold
    const status = Number(c.req.param('status'))
    if (status >= 400) throw new Problem(status as 404, 'refused', `run ${runs.length}`)
    if (status === 204) return c.body(null, 204)
    return c.json({ run: runs.length, said: await c.req.text() }, 201, { location: `/things/${runs.length}` })
  })
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
  await telemetry.close()
})

let keys = 0
const newKey = () => `key-${keys++}`
const post = async (key: string | undefined, body = 'hello', status = 201) => {
  const answer = await app.request(`/things/${status}`, {
    method: 'POST',
    body,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

test('a request that comes again gets the first answer, status, body, location and all', async () => {
  const key = newKey()
  const first = await post(key)
  const again = await post(key)
  expect([again.status, again.text]).toEqual([first.status, first.text])
  expect(first.text).toContain('hello')
  expect(again.headers.get('location')).toBe('/things/1')
  expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(first.headers.get('idempotency-replayed')).toBeNull()
  expect(runs).toEqual([`anonymous POST /things/201 ${key}`])
})

test('without a key every request counts; each key, and each path, is one of its own', async () => {
  await post(undefined)
  await post(undefined)
  const key = newKey()
  await post(key)
  await post(key, 'hello', 204)
  expect(await post(key, 'hello', 204)).toMatchObject({ status: 204, text: '' })
  expect(runs).toHaveLength(4)
})

test('a refusal is an answer too; what may be otherwise in a moment is not kept', async () => {
  const key = newKey()
  expect((await post(key, 'x', 404)).text).toContain('run 1')
  expect((await post(key, 'x', 404)).text).toContain('run 1')
  for (const [index, status] of [500, 503, 409, 429].entries()) {
    await post(key, 'x', status)
    expect((await post(key, 'x', status)).text).toContain(status === 500 ? 'refused' : `run ${3 + 2 * index}`)
  }
})

test('another body under a key is refused', async () => {
  const key = newKey()
  await post(key, 'one')
  expect(await post(key, 'two')).toMatchObject({ status: 422 })
  expect(JSON.parse((await post(key, 'two')).text)).toMatchObject({ code: 'idempotency-key-reused' })
  expect(runs).toHaveLength(1)
})

test('while the first is at work, the others are told so, and it runs once', async () => {
  const key = newKey()
  let release!: () => void
  hold = new Promise((resolve) => (release = resolve))
  let answered = 0
  const all = Array.from({ length: 8 }, () => post(key).finally(() => answered++))
  const refused = await Promise.race(all)
  await expect.poll(() => answered).toBe(7)
  expect(refused.status).toBe(409)
  expect(refused.headers.get('retry-after')).toBe('1')
  release()
  const statuses = (await Promise.all(all)).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([201, ...Array<number>(7).fill(409)])
  expect(runs).toHaveLength(1)
  expect((await post(key)).status).toBe(201)
})

test('a request that died with its process does not hold its key for ever', async () => {
  const key = newKey()
  await post(key)
  await sql`update http_answers set status = null where key like ${`%${key}`}`.execute(database.db)
  expect((await post(key)).status).toBe(409)
  await sql`update http_answers set started_at = now() - interval '2 minutes' where key like ${`%${key}`}`.execute(
    database.db,
  )
  expect((await post(key)).status).toBe(201)
  expect(runs).toHaveLength(2)
})

test('an answer is kept for a day', async () => {
  const key = newKey()
  await post(key)
  await sql`update http_answers set started_at = now() - interval '25 hours' where key like ${`%${key}`}`.execute(
    database.db,
  )
  await post(key)
  expect(runs).toHaveLength(2)
  await sql`update http_answers set started_at = now() - interval '25 hours' where key like ${`%${key}`}`.execute(
    database.db,
  )
  expect(await pruneHttpAnswers(database.db)).toBe(1)
})

test.each(['', 'with blank', 'é', 'x'.repeat(201)])('a key like “%s” is refused', async (key) => {
  const answer = await app.request('/things/201', {
    method: 'POST',
    headers: new Headers([['idempotency-key', key]]),
  })
  expect(await answer.json()).toMatchObject({ status: 400, code: 'invalid-idempotency-key' })
})

test('a service forgets answers and the keys of its appends after the time that it is told', async () => {
  const key = newKey()
  await post(key)
  await sql`update http_answers set started_at = now() - interval '2 hours' where key like ${`%${key}`}`.execute(
    database.db,
  )
  await sql`
    insert into events.idempotency_keys (key, streams, versions, recorded_at)
    values ('old', '{s}', '{1}', now() - interval '2 hours'), ('young', '{s}', '{1}', now())`.execute(
    database.db,
  )
  const answers = openAnswers(database.db, { lifeMs: 3_600_000, log })
  // It does so from its start, and what has begun is waited for.
  await answers.close()
  const { rows } = await sql<{ key: string }>`
    select key from http_answers where key like ${`%${key}`} union all select key from events.idempotency_keys`.execute(
    database.db,
  )
  expect(rows).toEqual([{ key: 'young' }])
})

test('answers are kept sealed where they are to be, and go with whoever is erased', async () => {
  const erased = { is: false }
  const turn = (bytes: Buffer) => Buffer.from(bytes.map((byte) => byte ^ 0xff))
  const seal: AnswerSeal = {
    seal: (_, plain) => Promise.resolve(erased.is ? undefined : turn(plain)),
    open: (_, sealed) => Promise.resolve(erased.is ? undefined : turn(sealed)),
  }
  app = createApi({ log, telemetry })
  app.post('/things/:status', idempotent(database.db, { seal }), async (c) => {
    runs.push(c.var.idempotencyKey)
    return c.json({ said: await c.req.text() }, 201)
  })
  app.get('/things/:status', idempotent(database.db, { seal }), (c) =>
    c.json({ n: runs.push(undefined) }, 200),
  )
  const key = newKey()
  const first = await post(key, 'secret')
  expect((await post(key, 'secret')).text).toBe(first.text)
  expect((await post(key, 'another')).status).toBe(422)
  const { rows } = await sql<{ body: Buffer }>`
    select body from http_answers where key like ${`%${key}`}`.execute(database.db)
  expect(rows[0]?.body.toString()).not.toContain('secret')
  for (const n of [2, 3])
    expect(await (await app.request('/things/1', { headers: { 'idempotency-key': key } })).json()).toEqual({
      n,
    })

  erased.is = true
  runs = []
  const later = newKey()
  expect([(await post(later)).status, (await post(later)).status]).toEqual([201, 201])
  expect(runs).toEqual([undefined, undefined])
})
