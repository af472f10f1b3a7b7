import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
import { type InternalOptions, createHealth, serveInternal } from './index.ts'

let close: () => Promise<void> = () => Promise.resolve()
afterEach(() => close())

const listen = async (options: Partial<InternalOptions> = {}) => {
  const server = await serveInternal({
    host: '127.0.0.1',
    port: 0,
    health: createHealth(),
    metrics: () => Promise.resolve('up 1\n'),
    ...options,
  })
  close = () => server.close(0)
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
}

test('probes are green while nothing fails', async () => {
  const ask = await listen()
  for (const path of ['/livez', '/readyz']) {
    const response = await ask(path)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    expect(response.headers.get('cache-control')).toBe('no-store')
  }
})

test('probes name what fails', async () => {
  const health = createHealth()
  health.ready('database', () => 'connection refused')
  health.live('consumer', () => 'no progress for 60 s')
  const ask = await listen({ health })
  const ready = await ask('/readyz')
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'unavailable', failing: { database: 'connection refused' } },
  ])
  expect((await ask('/livez')).status).toBe(503)
})

test('metrics are served as Prometheus reads them', async () => {
  const response = await (await listen())('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await response.text()).toBe('up 1\n')
})

test('everything else is the internal app, its own errors included', async () => {
  const app = new Hono()
    .post('/internal/v1/heads', async (c) => c.json({ heads: await c.req.json<unknown>() }))
    .notFound((c) => c.text('not of this app', 404))
  const ask = await listen({ app })
  const answer = await ask('/internal/v1/heads', { method: 'POST', body: '[1]' })
  expect(await answer.json()).toEqual({ heads: [1] })
  expect(await (await ask('/nothing')).text()).toBe('not of this app')
  expect((await ask('/livez')).status).toBe(200)
})

test('without an app there is nothing else, and a failure shows nothing', async () => {
  const ask = await listen({ metrics: () => Promise.reject(new Error('hunter2')) })
  expect(await (await ask('/nothing')).json()).toMatchObject({ status: 404, code: 'not-found' })
  const broken = await ask('/metrics')
  expect(broken.status).toBe(500)
  expect(await broken.text()).not.toContain('hunter2')
})
