import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
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
