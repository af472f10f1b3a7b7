import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../log/index.ts'
import { type TestTelemetry, testTelemetry } from '../testing/index.ts'
import { createApi, mountPage, type Server, serve } from './index.ts'

const log = createLog('test', 'silent')
let telemetry: TestTelemetry
let server: Server
let folder: string

beforeAll(async () => {
  telemetry = testTelemetry()
  folder = await mkdtemp(join(tmpdir(), 'veza-page-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<head><meta name="veza-realtime" content="" /></head>')
  await writeFile(join(folder, 'icon.svg'), '<svg/>')
  await writeFile(join(folder, 'assets/index-abc.js'), 'console.log(1)')
  await writeFile(join(folder, 'assets/index-abc.js.br'), brotliCompressSync('console.log(1)'))
  await writeFile(join(folder, '../secret.txt'), 'secret')
  const api = createApi({ log, telemetry })
  api.get('/v1/rooms', (c) => c.json({ rooms: [] }))
  mountPage(api, { folder, realtimeUrl: 'wss://edge.example/connection/websocket?a=1&b="' })
  server = await serve(api, { host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server.close()
  await telemetry.close()
  await rm(folder, { recursive: true })
  await rm(join(folder, '../secret.txt'))
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { headers, method })
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

test('every address of the page has its one document, which is asked for anew each time and told where the edge is', async () => {
  for (const path of ['/', '/rooms/x', '/tracks/y?t=1']) {
    const answer = await get(path, html)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-cache')
    expect(await answer.text()).toBe(
      '<head><meta name="veza-realtime" content="wss://edge.example/connection/websocket?a=1&#38;b=&#34;" /></head>',
    )
  }
})

test('its policy lets through files of ours alone, and the edge', async () => {
  const policy = (await get('/', html)).headers.get('content-security-policy')
  expect(policy?.split('; ')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self' wss://edge.example",
      "require-trusted-types-for 'script'",
      "frame-ancestors 'none'",
    ]),
  )
  expect(policy).not.toContain('unsafe')
})

test('without an edge elsewhere it talks to its own origin alone', async () => {
  const api = createApi({ log, telemetry })
  mountPage(api, { folder })
  const answer = await api.request('/', { headers: html })
  expect(answer.headers.get('content-security-policy')).toContain("; connect-src 'self'; ")
  expect(await answer.text()).toBe('<head><meta name="veza-realtime" content="" /></head>')
  // Who says nothing of what it takes is told in the API's words.
  expect((await api.request('/nothing')).status).toBe(404)
})

test('what is named by its hash is kept for good, and comes compressed to those who take it', async () => {
  const answer = await get('/assets/index-abc.js', { 'accept-encoding': 'br, gzip' })
  expect(answer.headers.get('content-encoding')).toBe('br')
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(answer.headers.get('content-type')).toContain('text/javascript')
  expect(await answer.text()).toBe('console.log(1)')
  const plain = await get('/assets/index-abc.js', { 'accept-encoding': 'identity' })
  expect(plain.headers.get('content-encoding')).toBeNull()
  expect((await get('/icon.svg')).headers.get('cache-control')).toBe('no-cache')
})

test('the API answers for itself: where it has nothing, to those who ask for no page, and to other methods', async () => {
  expect(await (await get('/v1/rooms', html)).json()).toEqual({ rooms: [] })
  for (const [path, headers, method] of [
    ['/v1/nothing', html, 'GET'],
    ['/nothing', { accept: 'application/json' }, 'GET'],
    ['/nothing', html, 'POST'],
    // A browser that kept an old index.html must not take this for a script.
    ['/assets/index-old.js', html, 'GET'],
    ['/assets/..%2f..%2fsecret.txt', {}, 'GET'],
  ] as const) {
    const answer = await get(path, headers, method)
    expect(answer.status, path).toBe(404)
    expect(await answer.json()).toMatchObject({ code: 'not-found' })
  }
})
