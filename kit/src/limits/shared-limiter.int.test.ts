import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { openRedis, type Redis } from '../redis/index.ts'
import { startRedis, type TestRedis } from '../testing/index.ts'
import { localLimiter, sharedLimiter } from './index.ts'

const log = createLog('test', 'silent')
// So slow that no test lives to see a unit come back.
const rate = { perSecond: 0.001, burst: 5 }
let server: TestRedis
let connections: Redis[]

beforeAll(async () => {
  server = await startRedis()
  connections = [1, 2].map(() => {
    const redis = openRedis({ REDIS_URL: [server.url], REDIS_CLUSTER: false }, { log })
    if (redis === undefined) throw new Error('a Redis is named')
    return redis
  })
  await answer()
})
afterAll(async () => {
  for (const redis of connections) redis.close()
  await server.stop()
})

const answer = () =>
  vi.waitFor(() => {
    expect(connections.map(({ available }) => available)).toEqual([true, true])
  })
const limiters = (name: string, of = rate) =>
  connections.map((redis) => sharedLimiter(name, of, { redis, local: localLimiter(of, { keys: 10 }) }))

test('processes count together, also at once: so much as the burst gets through, for each key', async () => {
  const [one, other] = limiters('together')
  const all = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => (n % 2 === 0 ? one : other)?.take('ana')),
  )
  expect(all.filter((left) => left?.allowed)).toHaveLength(5)
  expect(
    all
      .filter((left) => left?.allowed)
      .map((left) => left?.remaining)
      .sort(),
  ).toEqual([0, 1, 2, 3, 4])
  expect(await other?.take('ben')).toMatchObject({ allowed: true, remaining: 4, retryAfterMs: 0 })
})

test('what is refused costs nothing, and says when it is allowed', async () => {
  const [one] = limiters('told')
  expect(await one?.take('ana', 4)).toMatchObject({ allowed: true, remaining: 1 })
  const refused = await one?.take('ana', 2)
  expect(refused).toMatchObject({ allowed: false, remaining: 1 })
  // One unit is missing, which takes 1,000 s; what passed meanwhile is off.
  expect(refused?.retryAfterMs).toBeGreaterThan(900_000)
  expect(refused?.retryAfterMs).toBeLessThanOrEqual(1_000_000)
  expect((await one?.take('ana', 6))?.retryAfterMs).toBe(Infinity)
  expect(await one?.take('ana')).toMatchObject({ allowed: true, remaining: 0 })
})

test('what was taken comes back with time', async () => {
  const [one] = limiters('back', { perSecond: 100, burst: 1 })
  expect((await one?.take('ana'))?.allowed).toBe(true)
  await vi.waitFor(async () => {
    expect((await one?.take('ana'))?.allowed).toBe(true)
  })
})

test('while Redis is away each process limits for itself', async () => {
  const [one, other] = limiters('away')
  for (let n = 0; n < 5; n++) await one?.take('ana')
  await server.kill()
  const taken = async (limiter: typeof one) => {
    let allowed = 0
    for (let n = 0; n < 10; n++) if ((await limiter?.take('ana'))?.allowed) allowed++
    return allowed
  }
  expect([await taken(one), await taken(other)]).toEqual([5, 5])
  await server.start()
  await answer()
  expect((await other?.take('ana'))?.remaining).toBe(4)
})

test('without a Redis the local limiter is all there is', () => {
  const local = localLimiter(rate, { keys: 10 })
  expect(sharedLimiter('none', rate, { redis: undefined, local })).toBe(local)
})
