import { randomBytes, randomUUID } from 'node:crypto'
import { type Codec, connectCodec, type RecordOf, topics } from '@veza/contracts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventStore, type EventStore, eventStore, renewEventStore } from '../events/index.ts'
import { createApi, serve, type Server } from '../http/index.ts'
import { createLog } from '../log/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import { createDataKeys, createSealing, envKeyEncryption, type Sealing } from '../sealing/index.ts'
import { type FreshDatabase, freshDatabase, infrastructure, testTelemetry } from '../testing/index.ts'
import {
  type AddressBook,
  addressBook,
  type AuditEntry,
  type AuditFilter,
  auditOf,
  type AuditPlace,
  type AuditSource,
  createAuditIndexes,
  mountAuditSource,
  readAuditPage,
  remoteAudit,
  renewAuditIndexes,
} from './index.ts'
import { auditQuery } from './read.ts'

const topic = topics.authEvents
type Event = Exclude<RecordOf<typeof topic>, { type: 'DeadLetterRedriven' }>
const token = 'a-service-token-for-tests'
const log = createLog('test', 'silent')
const telemetry = testTelemetry()

let fresh: FreshDatabase
let database: Database<unknown>
let codec: Codec
let store: EventStore<typeof topic>
let sealing: Sealing
let addresses: AddressBook
let own: AuditSource
let server: Server

const verified = (userId: string): Event => ({ type: 'EmailVerified', value: { userId, verifiedAt: 1 } })
const roles = (userId: string, changedBy: string): Event => ({
  type: 'RolesChanged',
  value: { userId, changedBy, roles: ['admin'], changedAt: 1 },
})

/** Each in a transaction of its own, so that their times differ. */
const append = async (actor: string, events: readonly Event[], address?: string): Promise<void> => {
  for (const event of events) {
    const { userId } = event.value
    const stream = `account-${userId}`
    await store.append(database.db, {
      ...{ stream, key: userId, events: [event] },
      expectedVersion: await store.currentVersion(database.db, stream),
      metadata: await addresses.seal({ actor, address, correlation: 'c'.repeat(32), causation: 'cause' }),
    })
  }
}

beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  codec = await connectCodec(schemaRegistryUrl)
  fresh = await freshDatabase()
  await migrate(fresh.url, {
    '001-events': { up: createEventStore },
    '002-keys': { up: createDataKeys },
    '003-audit': { up: createAuditIndexes },
  })
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 4, log })
  const { db } = database
  sealing = createSealing({ db, keyEncryption: envKeyEncryption([randomBytes(32)]) })
  addresses = addressBook(sealing, 'own')
  store = eventStore({ topic, codec })
  own = auditOf('own', { db, topic, codec, addresses })
  const internal = createApi({ log, telemetry })
  mountAuditSource(internal, token, own)
  server = await serve(internal, { host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await server.close(0)
  await database.close()
  await fresh.drop()
  await telemetry.close()
})

const typesOf = (entries: readonly AuditEntry[]) => entries.map(({ type }) => type)
const find = (filter: AuditFilter) => own.read(filter, undefined, 100)

test('tells who did what, when and from where, and nothing that is sealed', async () => {
  const [ana, before] = [randomUUID(), new Date()]
  const value = {
    ...{ userId: ana, displayName: '', sealedName: Buffer.from('sealed'), email: Buffer.from('sealed') },
    ...{ emailVerified: false, method: 'password', formerId: null, registeredAt: 7 },
  }
  await append(ana, [{ type: 'UserRegistered', value }], '203.0.113.9')
  const [entry] = await find({ names: [ana] })
  expect(entry).toEqual({
    ...{ context: 'own', type: 'UserRegistered', stream: `account-${ana}`, version: 1 },
    ...{ userId: ana, actor: ana, address: '203.0.113.9', traceId: 'c'.repeat(32), causedBy: 'cause' },
    id: expect.any(String) as string,
    at: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/) as string,
    details: {
      ...{ userId: ana, displayName: '', emailVerified: false },
      ...{ method: 'password', formerId: null, registeredAt: 7 },
    },
  })
  expect(new Date(entry?.at ?? 0).getTime()).toBeGreaterThan(before.getTime() - 60_000)
  await sealing.erase(database.db, ana)
  await append(ana, [verified(ana)], '203.0.113.9')
  expect((await find({ names: [ana] })).map(({ address }) => address)).toEqual([null, null])
})

test('shows no address that an older release stored in the clear, and needs none', async () => {
  const ana = randomUUID()
  const stream = `account-${ana}`
  const metadata = { actor: ana, address: '203.0.113.9' }
  await store.append(database.db, {
    ...{ stream, key: ana, expectedVersion: 0, events: [verified(ana)], metadata },
  })
  await append('operator', [verified(ana)])
  expect((await find({ names: [ana] })).map(({ actor, address }) => [actor, address])).toEqual([
    ['operator', null],
    [ana, null],
  ])
  expect(await addresses.seal({ address: '203.0.113.9' })).toEqual({})
})

test('finds by who did it, by every id that is named, by record and by time', async () => {
  const [ana, bob, admin] = [randomUUID(), randomUUID(), randomUUID()]
  await append(ana, [verified(ana)])
  await append(admin, [roles(ana, admin), roles(bob, admin)])
  expect(typesOf(await find({ names: [ana] }))).toEqual(['RolesChanged', 'EmailVerified'])
  expect(typesOf(await find({ names: [ana, admin] }))).toEqual(['RolesChanged'])
  expect(typesOf(await find({ actor: admin }))).toEqual(['RolesChanged', 'RolesChanged'])
  expect(typesOf(await find({ actor: ana, names: [bob] }))).toEqual([])
  expect(typesOf(await find({ names: [ana], types: ['EmailVerified', 'AccountErased'] }))).toEqual([
    'EmailVerified',
  ])
  const [second, first] = await find({ names: [ana] })
  // Exclusive to microseconds: neither can be told twice by two ranges that touch.
  expect(typesOf(await find({ names: [ana], from: second?.at }))).toEqual(['RolesChanged'])
  expect(typesOf(await find({ names: [ana], to: second?.at }))).toEqual(['EmailVerified'])
  expect(typesOf(await find({ names: [ana], from: first?.at, to: first?.at }))).toEqual([])
})

test('an index serves each question', async () => {
  const people = Array.from({ length: 10_000 }, () => randomUUID())
  await store.appendAll(
    database.db,
    people.map((id) => ({ stream: `account-${id}`, key: id, expectedVersion: 0, events: [verified(id)] })),
    { metadata: { actor: 'import' } },
  )
  await sql`analyze events.events`.execute(database.db)
  const before = { at: '2126-11-24T08:00:00.000000Z', id: randomUUID() }
  const plan = async (filter: AuditFilter): Promise<string> => {
    const query = auditQuery(topic.name, filter, { before, limit: 50 })
    const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(database.db)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
  expect(await plan({ types: ['EmailVerified'] })).toContain('Index Scan Backward using events_time')
  expect(await plan({ actor: 'operator' })).toContain('using events_actor_time')
  expect(await plan({ names: [people[0] ?? ''] })).toContain('Bitmap Index Scan on events_names')
})

test('finds what an earlier release stored, and what is appended once it is renewed', async () => {
  const [ana, bob] = [randomUUID(), randomUUID()]
  const { db } = database
  await append(ana, [verified(ana)])
  await db.transaction().execute(async (trx) => {
    await sql`alter table events.events drop column names cascade`.execute(trx)
    await sql`create index events_ids on events.events using gin (events.ids_in(payload))`.execute(trx)
    await sql`drop function events.append`.execute(trx)
    await sql`create function events.append(streams text[]) returns void return null`.execute(trx)
    await renewEventStore(trx)
    await renewAuditIndexes(trx)
  })
  await append(bob, [roles(bob, ana)])
  expect(typesOf(await find({ names: [ana] }))).toEqual(['RolesChanged', 'EmailVerified'])
  expect(typesOf(await find({ names: [ana, bob] }))).toEqual(['RolesChanged'])
  const { rows } = await sql`
    select from events.events
    where not (events.ids_in(payload) @> names and events.ids_in(payload) <@ names)`.execute(db)
  expect(rows).toEqual([])
})

/** A part with events at given times. */
const partOf = (context: string, places: readonly AuditPlace[]): AuditSource => ({
  context,
  read: (_, before, limit) =>
    Promise.resolve(
      places
        .map((place) => ({ ...place, context }) as AuditEntry)
        .filter(({ at, id }) => before === undefined || `${at} ${id}` < `${before.at} ${before.id}`)
        .sort((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? 1 : -1))
        .slice(0, limit),
    ),
})

test('several parts are one audit, page by page, each event once, whatever happens meanwhile', async () => {
  // Three of them at the same microsecond in different parts.
  const at = (n: number) => `2026-11-24T08:00:00.00000${n % 4}Z`
  const place = (n: number): AuditPlace => ({
    at: at(n),
    id: `00000000-0000-4000-8000-${String(n * 7919).padStart(12, '0')}`,
  })
  const places = Array.from({ length: 23 }, (_, n) => place(n))
  const parts: AuditPlace[][] = [[], [], []]
  places.forEach((one, n) => parts[n % 3]?.push(one))
  const audit = readAuditPage(parts.map((part, n) => partOf(`part-${n}`, part)))
  const seen: string[] = []
  let before: AuditPlace | undefined
  for (;;) {
    const { entries, next } = await audit({}, { before, limit: 4 })
    seen.push(...entries.map(({ id }) => id))
    parts[0]?.push({ at: '2026-11-24T09:00:00.000000Z', id: randomUUID() })
    if (next === undefined) break
    before = next
  }
  const expected = places.sort((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? 1 : -1))
  expect(seen).toEqual(expected.map(({ id }) => id))
})

test("another process's part is the same, for who shows the token; without it there is no audit", async () => {
  const [ana, admin] = [randomUUID(), randomUUID()]
  await append(ana, [verified(ana)], '2001:db8::1')
  await append(admin, [roles(ana, admin)])
  const url = `http://127.0.0.1:${server.port}`
  const remote = remoteAudit('own', url, token)
  const [second, first] = await find({ names: [ana] })
  expect(await remote.read({ names: [ana] }, undefined, 10)).toEqual([second, first])
  expect(await remote.read({ names: [ana] }, second, 10)).toEqual([first])
  const all = { actor: ana, names: [ana], types: ['EmailVerified'], from: first?.at, to: second?.at }
  expect(await remote.read(all, undefined, 1)).toEqual([first])

  const away = { status: 503, code: 'unavailable' }
  const audit = readAuditPage([own, remoteAudit('own', url, 'another-service-token')])
  await expect(audit({}, { before: undefined, limit: 1 })).rejects.toMatchObject(away)
  await expect(remoteAudit('own', 'http://127.0.0.1:1', token).read({}, undefined, 1)).rejects.toMatchObject(
    away,
  )
  expect((await fetch(`${url}/internal/v1/own/audit?limit=1`)).status).toBe(401)
})
