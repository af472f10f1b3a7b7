import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { connectCodec, type topics } from '@veza/contracts'
import { remotePersonalData } from '@veza/kit/personal-data'
import { createLog } from '@veza/kit/log'
import { freshDatabase, infrastructure, testKeyEncryption } from '@veza/kit/testing'
import { type DeadRecord, type Message } from '@veza/kit/worker'
import { migrateUsers } from '@veza/users/migrate'
import {
  createProfile,
  exportProgress,
  gatherExport,
  openUsersStore,
  ownSource,
  type UsersStore,
} from '@veza/users/store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gather, giveUp } from './gather.ts'

type Topic = typeof topics.usersEvents

const log = createLog('test', 'silent')
const now = () => new Date('2026-11-24T12:00:00Z')
const token = 'a-service-token-for-tests'
const closers: (() => Promise<unknown>)[] = []
let store: UsersStore
let address: string
/** What the other context answers: a status, or what it has; or it begins to. */
let other: number | object | 'breaks off' = {}

beforeAll(async () => {
  const fresh = await freshDatabase()
  await migrateUsers(fresh.url)
  const codec = await connectCodec(infrastructure().schemaRegistryUrl)
  store = openUsersStore(
    {
      ...testKeyEncryption(),
      USERS_DATABASE_URL: fresh.url,
    },
    { name: 'test', poolSize: 2, codec, log },
  )
  const server = createServer((request, response) => {
    const isAllowed = request.headers.authorization === `Bearer ${token}`
    const status = !isAllowed ? 401 : typeof other === 'number' ? other : 200
    response.writeHead(status, { 'content-type': 'application/json' })
    if (other === 'breaks off') {
      response.write('{"messages":["hel', () => {
        response.destroy()
      })
      return
    }
    response.end(JSON.stringify(typeof other === 'number' ? {} : { asked: request.url, ...other }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  closers.push(
    () => store.close(),
    () => fresh.drop(),
    () => new Promise((resolve) => server.close(resolve)),
  )
})
afterAll(async () => {
  for (const close of closers) await close()
})

const exporter = () =>
  gather({
    gatherExport: gatherExport(
      { ...store, now },
      {
        sources: [
          ownSource(store),
          { name: 'chat', read: remotePersonalData({ name: 'chat', url: address }, token) },
        ],
        keptMs: 60_000,
      },
    ),
  })

/** A person who asked for an export: the job is queued, and its event is on its way to the worker. */
const asked = async () => {
  const userId = randomUUID()
  const exportId = randomUUID()
  await createProfile({ ...store, now })({ userId, displayName: 'Ana' })
  await store.db
    .insertInto('exports')
    .values({
      export_id: exportId,
      user_id: userId,
      state: 'queued',
      parts_done: 0,
      parts: 0,
      requested_at: now(),
    })
    .execute()
  const message = {
    type: 'DataExportRequested',
    value: { userId, exportId, requestedAt: now().getTime() },
  } as unknown as Message<Topic>
  const job = () =>
    store.db.selectFrom('exports').selectAll().where('export_id', '=', exportId).executeTakeFirst()
  return { userId, exportId, message, job }
}
const control = { signal: new AbortController().signal } as Parameters<ReturnType<typeof gather>>[1]

describe('an export', () => {
  it('has what users has and what the other contexts have, sealed, for some time', async () => {
    other = { messages: ['hello'] }
    const { userId, message, job } = await asked()
    expect(await exporter()(message, control)).toEqual({ kind: 'done' })
    const row = await job()
    expect(row).toMatchObject({ state: 'ready', parts_done: 2, parts: 2, finished_at: now() })
    expect(row?.expires_at).toEqual(new Date(now().getTime() + 60_000))
    const pieces = await store.db.selectFrom('export_pieces').selectAll().execute()
    expect(pieces).toMatchObject([{ export_id: row?.export_id, attempt: row?.attempt, piece: 0 }])
    const part = (await ownSource(store).read(userId)) ?? []
    const own = JSON.parse(await text(part as AsyncIterable<Uint8Array>)) as unknown
    expect(own).toMatchObject({
      profile: { displayName: 'Ana' },
      history: [{ what: 'ProfileCreated' }],
    })
  })

  it('is gathered once, however often it is asked for', async () => {
    other = {}
    const { message, job } = await asked()
    await exporter()(message, control)
    const first = await job()
    expect(await exporter()(message, control)).toEqual({ kind: 'skip', reason: 'done-before' })
    expect(await job()).toEqual(first)
  })

  it('has nothing of a context that knows nothing of the person', async () => {
    other = 404
    const { message, job } = await asked()
    expect(await exporter()(message, control)).toEqual({ kind: 'done' })
    expect((await job())?.state).toBe('ready')
  })

  it('waits for a context that cannot answer, and shows how far it is', async () => {
    other = 503
    const { message, job } = await asked()
    await expect(exporter()(message, control)).rejects.toThrow('chat answered 503')
    expect(await job()).toMatchObject({ state: 'running', parts_done: 1, parts: 2 })
    other = {}
    expect(await exporter()(message, control)).toEqual({ kind: 'done' })
  })

  it('has nothing of a context that breaks off in the middle, which is asked again', async () => {
    other = 'breaks off'
    const { exportId, message, job } = await asked()
    await expect(exporter()(message, control)).rejects.toThrow()
    expect((await job())?.state).toBe('running')
    other = {}
    expect(await exporter()(message, control)).toEqual({ kind: 'done' })
    const attempts = await store.db
      .selectFrom('export_pieces')
      .select('attempt')
      .where('export_id', '=', exportId)
      .execute()
    expect(attempts).toEqual([{ attempt: (await job())?.attempt }])
  })

  it('is marked as failed when it is given up, unless it was whole', async () => {
    const { exportId, message, job } = await asked()
    const onDead = giveUp({ fail: (id) => exportProgress(store.db, id).failed(now()) })
    await onDead({ message } as unknown as DeadRecord<Topic>)
    expect((await job())?.state).toBe('failed')
    await exporter()(message, control)
    await onDead({ message } as unknown as DeadRecord<Topic>)
    expect((await job())?.state).toBe('ready')
    await onDead({ message: undefined } as unknown as DeadRecord<Topic>)
    expect(exportId).toBeTruthy()
  })

  it('of somebody who was erased meanwhile is nothing', async () => {
    other = {}
    const one = await asked()
    await store.sealing.erase(store.db, one.userId)
    expect(await exporter()(one.message, control)).toEqual({ kind: 'skip', reason: 'erased' })
    await store.db.deleteFrom('exports').where('export_id', '=', one.exportId).execute()
    expect(await exporter()(one.message, control)).toEqual({ kind: 'skip', reason: 'erased' })
  })

  it('is asked for by one kind of event only', async () => {
    const message = { type: 'UserErased', value: {} } as unknown as Message<Topic>
    expect(await exporter()(message, control)).toEqual({ kind: 'skip', reason: 'no export' })
  })
})
