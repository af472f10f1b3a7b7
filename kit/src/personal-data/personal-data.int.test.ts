import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createApi, serve, type Server } from '../http/index.ts'
import { createLog } from '../log/index.ts'
import { testTelemetry } from '../testing/index.ts'
import { inPages, jsonOf, mountPersonalData, type PersonalParts, remotePersonalData } from './index.ts'

const token = 'a-service-token-for-tests'
const telemetry = testTelemetry()
const userId = randomUUID()
let parts: PersonalParts | undefined
let server: Server

beforeAll(async () => {
  const app = createApi({ log: createLog('test', 'silent'), telemetry })
  mountPersonalData(app, token, 'own', () => Promise.resolve(parts))
  server = await serve(app, { host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server.close(0)
  await telemetry.close()
})

/** Numbers up to one, so many a page. */
const numbers = (last: number, pageSize: number) =>
  inPages((after: number | undefined = 0) =>
    Promise.resolve(Array.from({ length: Math.min(pageSize, last - after) }, (_, n) => after + n + 1)),
  )
const parsed = async (json: AsyncIterable<Uint8Array>): Promise<unknown> => JSON.parse(await text(json))
const askAll = (shown = token, idleMs?: number) =>
  remotePersonalData({ name: 'own', url: `http://127.0.0.1:${server.port}` }, shown, idleMs)(userId)
const ask = async (idleMs?: number): Promise<AsyncIterable<Uint8Array>> => {
  const answer = await askAll(token, idleMs)
  if (answer === undefined) throw new Error('nothing is known')
  return answer
}

test('a list is read page by page to its end', async () => {
  for (const last of [0, 1, 3, 4, 9]) {
    const read: number[] = []
    for await (const n of numbers(last, 3)) read.push(n)
    expect(read).toEqual(Array.from({ length: last }, (_, n) => n + 1))
  }
})

test('parts are one JSON object, whatever is in them', async () => {
  expect(await parsed(jsonOf({}))).toEqual({})
  const value = {
    name: 'Ana "x"\n',
    none: undefined,
    at: new Date(0),
    list: numbers(3, 2),
    nobody: numbers(0, 2),
  }
  expect(await parsed(jsonOf(value))).toEqual({
    ...{ name: 'Ana "x"\n', none: null, at: '1970-01-01T00:00:00.000Z' },
    ...{ list: [1, 2, 3], nobody: [] },
  })
})

test('another process is told them, if it shows the token', async () => {
  parts = { id: userId, numbers: numbers(50_000, 1_000) }
  const told = (await parsed(await ask())) as { numbers: number[] }
  expect([told.numbers.length, told.numbers.at(-1)]).toEqual([50_000, 50_000])
  await expect(askAll('another-service-token')).rejects.toThrow('own answered 401')
  parts = undefined
  expect(await askAll()).toBeUndefined()
})

test('they are read as they are taken: never as a whole, and no longer than somebody listens', async () => {
  let [read, ended] = [0, false]
  const endless = async function* () {
    try {
      for (;;) yield await Promise.resolve({ n: read++, text: 'x'.repeat(1_000) })
    } finally {
      ended = true
    }
  }
  parts = { endless: endless() }
  for await (const block of await ask()) {
    expect(block.length).toBeGreaterThan(0)
    break
  }
  await vi.waitFor(() => {
    expect(ended).toBe(true)
  })
  // What is on its way in sockets and streams, some MB at most.
  expect(read).toBeLessThan(50_000)
})

test('what breaks off in the middle is not taken to be whole', async () => {
  const broken = async function* () {
    yield* numbers(100_000, 1_000)
    throw new Error('the database is away')
  }
  parts = { broken: broken() }
  const answer = await ask()
  await expect(text(answer)).rejects.toThrow()
})

test('who says nothing for long is not waited for, before the answer and in it', async () => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  await expect(remotePersonalData({ name: 'own', url }, token, 50)(userId)).rejects.toThrow('did not answer')
  silent.closeAllConnections()
  silent.close()

  const stalls = async function* () {
    yield* numbers(20_000, 1_000)
    await new Promise(() => undefined)
  }
  parts = { stalls: stalls() }
  const told = ask(1_000).then((answer) => text(answer))
  await expect(told).rejects.toThrow(/nothing came for 1000 ms|did not answer within 1000 ms/)
})
