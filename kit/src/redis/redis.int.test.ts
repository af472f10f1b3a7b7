import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { freePort, startRedis, testTelemetry, type TestRedis } from '../testing/index.ts'
import { openRedis, type Redis, RedisGone, script } from './index.ts'

const run = promisify(execFile)
const log = createLog('test', 'silent')
const telemetry = testTelemetry()
let server: TestRedis
let redis: Redis

const increment = script("return redis.call('INCRBY', KEYS[1], ARGV[1])")

const answers = () =>
  vi.waitFor(() => {
    expect(redis.available).toBe(true)
  })

beforeAll(async () => {
  server = await startRedis()
  const opened = openRedis({ REDIS_URL: [server.url], REDIS_CLUSTER: false }, { log, meter: telemetry.meter })
  if (opened === undefined) throw new Error('a Redis is named')
  redis = opened
  await answers()
})
afterAll(async () => {
  redis.close()
  await server.stop()
  await telemetry.close()
})

test('a script runs whether Redis knows it or not, and an error that Redis answers with is no outage', async () => {
  expect(await redis.run(increment, ['n'], [2])).toBe(2)
  expect(await redis.run(increment, ['n'], [3])).toBe(5)
  for (let n = 0; n < 5; n++)
    await expect(redis.run(script('return redis.call("GETT", KEYS[1])'), ['n'], [])).rejects.toThrow(
      /Unknown/,
    )
  expect(redis.check()).toBeUndefined()
  expect(await telemetry.metrics()).toMatch(/^redis_available\b.* 1$/m)
})

test('without REDIS_URL there is none; one that nobody answers at is gone, and nothing waits for it', async () => {
  expect(openRedis({ REDIS_URL: [], REDIS_CLUSTER: false }, { log })).toBeUndefined()
  const nobody = openRedis({ REDIS_URL: ['redis://127.0.0.1:1'], REDIS_CLUSTER: false }, { log })
  await expect(nobody?.run(increment, ['n'], [1])).rejects.toThrow(RedisGone)
  expect(nobody?.available).toBe(false)
  nobody?.close()
})

test('a cluster finds the node of a key, as whom its URLs say', async () => {
  const node = await startRedis({
    ...{ 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()) },
    'cluster-announce-ip': '127.0.0.1',
  })
  onTestFinished(() => node.stop())
  for (const command of [
    ['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'],
    ['ACL', 'SETUSER', 'ana', 'on', '>pass&word', '~*', '&*', '+@all'],
    // Nobody else is let in.
    ['ACL', 'SETUSER', 'default', 'off'],
  ])
    expect((await run('redis-cli', ['-p', String(node.port), ...command])).stdout).toBe('OK\n')
  const cluster = (user: string, scheme = 'redis') =>
    openRedis({ REDIS_URL: [`${scheme}://${user}127.0.0.1:${node.port}`], REDIS_CLUSTER: true }, { log })
  const [known, nameless, enciphered] = [cluster('ana:pass%26word@'), cluster(''), cluster('', 'rediss')]
  onTestFinished(() => {
    for (const one of [known, nameless, enciphered]) one?.close()
  })
  await vi.waitFor(
    () => {
      expect(known?.available).toBe(true)
    },
    { timeout: 10_000 },
  )
  expect([await known?.run(increment, ['a'], [1]), await known?.run(increment, ['b'], [2])]).toEqual([1, 2])
  for (const one of [nameless, enciphered]) expect(one?.available).toBe(false)
})

test('killed, it is done without at once, and asked again when it is back, with nothing in it', async () => {
  await redis.run(increment, ['kept'], [1])
  await server.kill()
  await vi.waitFor(async () => {
    await expect(redis.run(increment, ['kept'], [1])).rejects.toThrow(RedisGone)
    expect(redis.available).toBe(false)
  })
  expect(redis.check()).toMatch(/^no answer for \d+ s: /)
  expect(await telemetry.metrics()).toMatch(/^redis_available\b.* 0$/m)
  await server.start()
  await answers()
  expect(await redis.run(increment, ['kept'], [1])).toBe(1)
})

test('paused, it is given up after three questions, and what it was asked does not wait for it', async () => {
  server.signal('SIGSTOP')
  for (let n = 0; n < 3; n++)
    await expect(redis.run(increment, ['paused'], [1])).rejects.toThrow(/within 100 ms/)
  expect(redis.available).toBe(false)
  server.signal('SIGCONT')
  await answers()
})
