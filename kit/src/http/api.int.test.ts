import { HTTPException } from 'hono/http-exception'
import { IdempotencyKeyReused, VersionConflict } from '../events/errors.ts'
import { localLimiter } from '../limits/index.ts'
import { request as nodeRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLog } from '../log/index.ts'
import { type TestTelemetry, createTokenSigner, testTelemetry } from '../testing/index.ts'
import { type Identity, KeysUnavailable, createTokenVerifier } from '../tokens/index.ts'
import {
  type Api,
  type Server,
  Problem,
  bearer,
  combine,
  createApi,
  createRoute,
  jsonBody,
  jsonResponse,
  limitedBearer,
  mountDocs,
  problemResponses,
  requireScope,
  serve,
  z,
} from './index.ts'

const room = '3f0c4b52-7f5c-4b43-9a8b-1d8b4b1f7f5c'
const logged: string[] = []
const log = createLog('test', 'info', { write: (line) => void logged.push(line) })
let telemetry: TestTelemetry
let server: Server
let signer: Awaited<ReturnType<typeof createTokenSigner>>

const chatApi = (options: Parameters<typeof createApi>[0]): Api => {
  const api = createApi(options)
  const verifier = createTokenVerifier({
    keys: signer.keys,
    issuer: signer.issuer,
    audience: signer.audience,
  })
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/rooms/{id}',
      request: {
        params: z.object({ id: z.uuid() }),
        body: jsonBody(z.object({ name: z.string().min(1).optional() })),
      },
      responses: {
        201: jsonResponse('The room', z.object({ id: z.string(), name: z.string() })),
        ...problemResponses(400),
      },
    }),
    (c) => c.json({ id: c.req.valid('param').id, name: c.req.valid('json').name ?? '' }, 201),
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/me',
      security: [{ bearer: [] }],
      middleware: bearer(verifier),
      responses: { 200: jsonResponse('Who I am', z.object({ id: z.string() })), ...problemResponses(401) },
    }),
    (c) => c.json({ id: c.var.identity.userId }, 200),
  )
  return api
}

const failures: Record<string, () => Error> = {
  unknown: () => new Error('password is hunter2'),
  database: () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
  keys: () => new KeysUnavailable('away'),
  full: () =>
    new Problem(409, 'room-full', 'The room has no place left', {
      extra: { places: 5 },
      headers: { 'retry-after': '60' },
    }),
  busy: () => new Problem(503, 'busy', 'Too many people are here at this moment'),
  conflict: () => new VersionConflict('room-1', 3, 4),
  reused: () => new IdempotencyKeyReused(),
  forbidden: () => new HTTPException(403),
  odd: () => new HTTPException(501),
}

const failingApi = (options: Parameters<typeof createApi>[0]): Api => {
  const api = createApi(options)
  api.get('/v1/failures/:name', (c) => {
    throw failures[c.req.param('name')]?.() ?? new Error('no such failure')
  })
  api.delete('/v1/failures/:name', (c) => c.body(null, 204, { 'cache-control': 'private' }))
  return api
}

beforeAll(async () => {
  telemetry = testTelemetry()
  signer = await createTokenSigner()
  const options = { log, telemetry, bodyLimit: 1000 }
  const app = combine(options, [chatApi(options), failingApi(options)])
  mountDocs(app, { title: 'Veza <all>', version: '1.2.3' })
  server = await serve(app, { host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await server.close(0)
  await telemetry.close()
})

beforeEach(() => {
  logged.length = 0
})

/** Whoever shows a token to an API that believes all of them. */
const caller: Identity = {
  ...{ userId: 'u1', name: 'Ada', roles: [], scopes: [], sessionId: 's1', expiresAt: 4_000_000_000 },
}

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init)

const post = (
  body: string,
  contentType = 'application/json',
  path = `/v1/rooms/${room}`,
): Promise<Response> =>
  ask(path, { method: 'POST', body, headers: contentType === '' ? {} : { 'content-type': contentType } })

/** Sends headers and chunks by hand, as no well-behaved client would. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString()
    })
    socket.on('close', () => {
      resolve(answer)
    })
    socket.on('error', reject)
  })

test('a good request is answered, with the headers that every answer has', async () => {
  const response = await post('{"name":"kitchen"}', 'application/json; charset=utf-8')
  expect([response.status, await response.json()]).toEqual([201, { id: room, name: 'kitchen' }])
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  })
  expect(response.headers.has('x-powered-by')).toBe(false)
})

test('a handler may say how long its answer is kept', async () => {
  const response = await ask('/v1/failures/x', { method: 'DELETE' })
  expect([response.status, response.headers.get('cache-control')]).toEqual([204, 'private'])
})

test.each([
  ['malformed JSON', () => post('{"name":'), 400, 'malformed-json'],
  ['no body', () => post('', 'application/json'), 400, 'malformed-json'],
  ['a wrong field', () => post('{"name":""}'), 400, 'invalid-request'],
  ['a wrong kind of body', () => post('[]'), 400, 'invalid-request'],
  ['a wrong parameter', () => post('{}', undefined, '/v1/rooms/1'), 400, 'invalid-request'],
  ['a foreign content type', () => post('name=x', 'text/plain'), 415, 'unsupported-media-type'],
  ['a large body', () => post(`{"name":"${'x'.repeat(1000)}"}`), 413, 'body-too-large'],
  ['an unknown path', () => ask('/v1/nothing'), 404, 'not-found'],
  ['a broken escape', () => ask('/v1/%E0%A4%A'), 404, 'not-found'],
  ['no token', () => ask('/v1/me'), 401, 'token-missing'],
  ['a refusal', () => ask('/v1/failures/full'), 409, 'room-full'],
  ['a change meanwhile', () => ask('/v1/failures/conflict'), 409, 'version-conflict'],
  ['a key of another request', () => ask('/v1/failures/reused'), 422, 'idempotency-key-reused'],
  ['a database that is away', () => ask('/v1/failures/database'), 503, 'unavailable'],
  ['keys that are away', () => ask('/v1/failures/keys'), 503, 'unavailable'],
  ["a library's refusal", () => ask('/v1/failures/forbidden'), 403, 'bad-request'],
  ["a library's failure", () => ask('/v1/failures/odd'), 500, 'internal'],
  ['an unknown error', () => ask('/v1/failures/unknown'), 500, 'internal'],
] as const)('%s is a problem', async (_case, send, status, code) => {
  const response = await send()
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await response.json()).toMatchObject({
    type: `urn:veza:problem:${code}`,
    title: expect.any(String) as string,
    status,
    code,
    instance: expect.stringMatching(/^urn:veza:trace:[0-9a-f]{32}$/) as string,
  })
  expect(response.status).toBe(status)
})

test('a body of the wrong shape is told finding by finding', async () => {
  expect(await (await post('{"name":""}')).json()).toMatchObject({
    errors: [{ path: 'name', message: expect.any(String) as string }],
  })
})

test('a path that exists for other methods says which', async () => {
  const response = await ask('/v1/failures/x', { method: 'PUT' })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
})

test('a problem carries its own members and headers, and never loses the fixed ones', async () => {
  const response = await ask('/v1/failures/full')
  expect(response.headers.get('retry-after')).toBe('60')
  expect(await response.json()).toMatchObject({
    places: 5,
    code: 'room-full',
    detail: 'The room has no place left',
  })
})

test('what is away for a moment says when to come back', async () => {
  expect((await ask('/v1/failures/database')).headers.get('retry-after')).toBe('2')
})

test('an unknown error is logged with its trace, and not shown', async () => {
  const response = await ask('/v1/failures/unknown', {
    headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  })
  const text = await response.text()
  expect(text).not.toContain('hunter2')
  expect(text).toContain(`urn:veza:trace:${'a'.repeat(32)}`)
  expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 'error', trace_id: 'a'.repeat(32), code: 'internal', err: { message: 'password is hunter2' } },
  ])
})

test('refusals are not logged', async () => {
  await post('{')
  await ask('/v1/failures/full')
  expect(logged).toEqual([])
})

test('a refusal for want of room is logged by its code, without a stack that each of a crowd would cost', async () => {
  expect((await ask('/v1/failures/busy')).status).toBe(503)
  expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: 'warn', code: 'busy' }])
  expect(logged.join('')).not.toContain('stack')
})

const chunked = (...chunks: string[]): Promise<{ status: number | undefined; text: string }> =>
  new Promise((resolve, reject) => {
    const request = nodeRequest(
      {
        port: server.port,
        host: '127.0.0.1',
        method: 'POST',
        path: `/v1/rooms/${room}`,
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      },
      (response) => {
        let text = ''
        response.on('data', (data: Buffer) => (text += data.toString()))
        response.on('end', () => {
          resolve({ status: response.statusCode, text })
        })
      },
    )
    request.on('error', reject)
    for (const chunk of chunks) request.write(chunk)
    request.end()
  })

test('a body of unknown length is read, up to the limit', async () => {
  expect(await chunked('{"name":', '"hall"}')).toEqual({
    status: 201,
    text: `{"id":"${room}","name":"hall"}`,
  })
  expect((await chunked('{"name":"', 'x'.repeat(600), 'x'.repeat(600), '"}')).status).toBe(413)
})

test('a large body that is announced is refused before it is sent, and the server lives on', async () => {
  const answer = await raw(
    `POST /v1/rooms/${room} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n{`,
  )
  expect(answer).toMatch(/^HTTP\/1.1 413 /)
  expect((await post('{}')).status).toBe(201)
})

test.each(['nonsense\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'])(
  'the server survives %j',
  async (text) => {
    expect(await raw(text)).toMatch(/^HTTP\/1.1 400 /)
    expect((await post('{}')).status).toBe(201)
  },
)

test('access tokens: good, expired, forged', async () => {
  const identity = {
    userId: 'u1',
    name: 'Ada',
    roles: [],
    sessionId: 's1',
    expiresAt: Math.floor(Date.now() / 1000) + 60,
  }
  const me = (token: string): Promise<Response> =>
    ask('/v1/me', { headers: { authorization: `Bearer ${token}` } })

  const good = await me(await signer.sign(identity))
  expect([good.status, await good.json()]).toEqual([200, { id: 'u1' }])

  const expired = await me(await signer.sign({ ...identity, expiresAt: 1 }))
  expect(await expired.json()).toMatchObject({ status: 401, code: 'token-expired' })
  expect(expired.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')

  expect(await (await me('a.b.c')).json()).toMatchObject({ status: 401, code: 'token-invalid' })
  expect(await (await me('not a token')).json()).toMatchObject({ status: 401, code: 'token-missing' })
})

test('a token that cannot be judged, since the keys are away, is not refused: 503', async () => {
  const api = createApi({ log, telemetry })
  const away = { verify: () => Promise.reject(new KeysUnavailable('away')) }
  api.get('/v1/me', bearer(away), (c) => c.json(c.var.identity))
  const response = await api.request('/v1/me', { headers: { authorization: 'Bearer a.b.c' } })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
})

test('a token without the scope is told which one it lacks', async () => {
  const api = createApi({ log, telemetry })
  const scopes = ['chat']
  const verifier = { verify: () => Promise.resolve({ ...caller, scopes }) }
  for (const scope of ['chat', 'ops'])
    api.get(`/v1/${scope}`, bearer(verifier), requireScope(scope), (c) => c.json(c.var.identity))
  const headers = { authorization: 'Bearer a.b.c' }
  expect((await api.request('/v1/chat', { headers })).status).toBe(200)
  const refused = await api.request('/v1/ops', { headers })
  expect(await refused.json()).toMatchObject({ status: 403, code: 'scope-missing' })
  expect(refused.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="ops"')
})

test('who changes too much at once is told when to come back, and may read on', async () => {
  const api = createApi({ log, telemetry })
  const limiter = localLimiter({ perSecond: 0.5, burst: 2 }, { keys: 10, now: () => 0 })
  const limited = limitedBearer({ verify: () => Promise.resolve(caller) }, 'changes', limiter)
  api.on(['GET', 'PUT'], '/v1/thing', limited, (c) => c.json({}))
  const send = (method: string) =>
    api.request('/v1/thing', { method, headers: { authorization: 'Bearer a.b.c' } })
  expect((await send('PUT')).headers.get('ratelimit')).toBe('"changes";r=1;t=2')
  expect((await send('PUT')).status).toBe(200)
  const refused = await send('PUT')
  expect(await refused.json()).toMatchObject({ status: 429, code: 'too-many-requests' })
  expect(refused.headers.get('retry-after')).toBe('2')
  expect(refused.headers.get('ratelimit-policy')).toBe('"changes";q=2;w=4')
  for (const method of ['GET', 'HEAD']) expect((await send(method)).status).toBe(200)
})

test('a body that its handler streams is not limited by the edge; others next to it are', async () => {
  const api = createApi({ log, telemetry, bodyLimit: 10, streamedBodies: ['/v1/uploads'] })
  api.post('*', async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }))
  const send = async (path: string) => {
    const headers = { 'content-length': '100' }
    return (await api.request(path, { method: 'POST', body: 'x'.repeat(100), headers })).status
  }
  expect(await Promise.all(['/v1/uploads', '/v1/uploads/1', '/v1/uploads-2'].map(send))).toEqual([
    200, 200, 413,
  ])
})

test('requests are measured once each, by route and never by path', async () => {
  const fresh = testTelemetry()
  const options = { title: 'x', version: '1', log, telemetry: fresh }
  const app = combine(options, [chatApi(options), failingApi(options)])
  const send = (path: string, init?: RequestInit) => app.request(path, init)
  await send('/v1/failures/full')
  await send('/v1/failures/other')
  await send('/v1/secret-path')
  await send('/v1/me', { method: 'BREW' })
  const text = await fresh.metrics()
  const count = (labels: string): string | undefined =>
    new RegExp(`^http_server_request_duration_seconds_count\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1]
  const labels = (method: string, status: number, route: string): string =>
    `http_request_method="${method}",http_response_status_code="${status}",http_route="${route}"`
  expect(count(labels('GET', 409, '/v1/failures/:name'))).toBe('1')
  expect(count(labels('GET', 500, '/v1/failures/:name'))).toBe('1')
  expect(count(labels('GET', 404, 'unmatched'))).toBe('1')
  expect(count(labels('_OTHER', 405, 'unmatched'))).toBe('1')
  expect(text).not.toContain('secret-path')
  expect(fresh.spans().map(({ name, status }) => [name, status.code])).toEqual([
    ['GET /v1/failures/:name', 0],
    ['GET /v1/failures/:name', 2],
    ['GET unmatched', 0],
    ['_OTHER unmatched', 0],
  ])
  await fresh.close()
})

test('the server span continues its caller’s trace', async () => {
  await ask('/v1/nothing', { headers: { traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` } })
  const span = telemetry.spans().find(({ parentSpanContext }) => parentSpanContext?.spanId === 'd'.repeat(16))
  expect(span?.spanContext().traceId).toBe('c'.repeat(32))
})

test('one document describes every API', async () => {
  const document = (await (await ask('/openapi.json')).json()) as {
    openapi: string
    info: unknown
    paths: Record<string, Record<string, { responses: object }>>
    components: unknown
  }
  expect(document.openapi).toBe('3.1.0')
  expect(document.info).toEqual({ title: 'Veza <all>', version: '1.2.3' })
  expect(Object.keys(document.paths)).toEqual(['/v1/rooms/{id}', '/v1/me'])
  expect(document.paths['/v1/me']?.['get']?.responses).toMatchObject({
    401: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
  })
  expect(document.components).toMatchObject({
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    schemas: { Problem: { type: 'object' } },
  })
})

test('the page that renders it has no inline script, and loads nothing from elsewhere', async () => {
  const response = await ask('/docs')
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'self'")
  expect(policy).toContain("default-src 'none'")
  const html = await response.text()
  expect(html).toContain('<title>Veza &#60;all&#62;</title>')
  expect(html).not.toMatch(/<script>|https?:/)
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
  expect(files).toHaveLength(3)
  for (const file of files) {
    const asset = await ask(file)
    expect(asset.status).toBe(200)
    expect(asset.headers.get('content-type')).toMatch(/^text\/(css|javascript)/)
    expect((await asset.text()).length).toBeGreaterThan(50)
  }
})
