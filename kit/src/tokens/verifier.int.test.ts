import { Hono } from 'hono'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { type Server, serve } from '../http/index.ts'
import { createTokenSigner } from '../testing/index.ts'
import { createTokenVerifier } from './index.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

const identity = {
  userId: 'u1',
  name: 'Ada',
  roles: [],
  sessionId: 's1',
  expiresAt: Math.floor(Date.now() / 1000) + 600,
}

const listen = async (answer: () => Response): Promise<string> => {
  const app = new Hono().get('/.well-known/jwks.json', () => answer())
  const server = await serve(app, { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return `http://127.0.0.1:${server.port}/.well-known/jwks.json`
}

test('keys are fetched once', async () => {
  const signer = await createTokenSigner()
  let fetches = 0
  const jwksUrl = await listen(() => {
    fetches++
    return Response.json(signer.jwks)
  })
  const { verify } = createTokenVerifier({ jwksUrl, issuer: 'veza', audience: 'veza' })
  const tokens = await Promise.all(
    ['s1', 's2', 's3'].map((sessionId) => signer.sign({ ...identity, sessionId })),
  )
  for (const { userId } of await Promise.all(tokens.map((token) => verify(token)))) expect(userId).toBe('u1')
  expect(fetches).toBe(1)
  // A kid that is made up does not make us ask again and again.
  const forged = await signer.sign(identity, { header: { kid: 'made-up' } })
  await expect(verify(forged)).rejects.toMatchObject({ name: 'InvalidToken' })
  await expect(verify(forged)).rejects.toMatchObject({ name: 'InvalidToken' })
  expect(fetches).toBe(1)
})

test.each([
  ['failing', () => new Response('broken', { status: 500 })],
  ['not speaking JSON', () => new Response('<html>')],
  ['not speaking JWKS', () => Response.json({ hello: 'world' })],
])('a key server that is %s is unavailable', async (_case, answer) => {
  const signer = await createTokenSigner()
  const { verify } = createTokenVerifier({ jwksUrl: await listen(answer), issuer: 'veza', audience: 'veza' })
  await expect(verify(await signer.sign(identity))).rejects.toMatchObject({ name: 'KeysUnavailable' })
})

test('a key server that is away is unavailable, and is asked again when it is back', async () => {
  const signer = await createTokenSigner()
  const jwksUrl = await listen(() => Response.json(signer.jwks))
  await servers.splice(0)[0]?.close(0)
  const { verify } = createTokenVerifier({ jwksUrl, issuer: 'veza', audience: 'veza' })
  const token = await signer.sign(identity)
  await expect(verify(token)).rejects.toMatchObject({ name: 'KeysUnavailable' })
  const app = new Hono().get('/.well-known/jwks.json', (c) => c.json(signer.jwks))
  servers.push(await serve(app, { host: '127.0.0.1', port: Number(new URL(jwksUrl).port) }))
  expect(await verify(token)).toMatchObject({ userId: 'u1' })
})

test('a key that is rotated in is asked for once in half a minute, and keys are kept for ten', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000)
  const [before, after] = [await createTokenSigner('before'), await createTokenSigner('after')]
  const served = { keys: before.jwks.keys, away: false, fetches: 0 }
  const jwksUrl = await listen(() => {
    served.fetches++
    return served.away ? new Response('', { status: 503 }) : Response.json({ keys: served.keys })
  })
  const { verify } = createTokenVerifier({ jwksUrl, issuer: 'veza', audience: 'veza' })
  let sessions = 0
  const token = (signer: typeof before, seconds = 600) => {
    const expiresAt = Math.floor(Date.now() / 1000) + seconds
    return signer.sign({ ...identity, sessionId: `session-${++sessions}`, expiresAt })
  }
  await verify(await token(before))
  served.keys = [...before.jwks.keys, ...after.jwks.keys]
  pass(29)
  for (let n = 0; n < 3; n++)
    await expect(verify(await token(after))).rejects.toMatchObject({ name: 'InvalidToken' })
  expect(served.fetches).toBe(1)
  pass(2)
  await Promise.all((await Promise.all([1, 2, 3].map(() => token(after)))).map(verify))
  expect(served.fetches).toBe(2)

  served.keys = after.jwks.keys
  pass(599)
  await verify(await token(before))
  pass(2)
  await expect(verify(await token(before))).rejects.toMatchObject({ name: 'InvalidToken' })
  expect(served.fetches).toBe(3)

  // Without auth: so long keys are believed, and tokens that were verified for as long as they are good.
  const known = await token(after, 1_200)
  await verify(known)
  served.away = true
  pass(599)
  await verify(await token(after))
  pass(2)
  await expect(verify(await token(after))).rejects.toMatchObject({ name: 'KeysUnavailable' })
  expect(await verify(known)).toMatchObject({ userId: 'u1' })
})
