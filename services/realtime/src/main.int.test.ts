import { createTokenSigner, infrastructure } from '@veza/kit/testing'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { identityOf } from './testing/edge-under-test.ts'
import { startChatStub } from './testing/chat-stub.ts'
import { openRaw } from './testing/raw-client.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const start = (env: Record<string, string>) => {
  const main = new URL('main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closing.push(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  return { child, output: () => output }
}

const exitCode = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

describe('the process', () => {
  it('is ready once it can serve, serves, and stops when told', async () => {
    const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
    const chat = await startChatStub()
    closing.push(() => chat.close())
    const signer = await createTokenSigner()
    const jwks = createServer((_, response) => response.end(JSON.stringify(signer.jwks))).listen(
      0,
      '127.0.0.1',
    )
    await once(jwks, 'listening')
    closing.push(() => jwks.close())
    const [wsPort, internalPort] = [await freePort(), await freePort()]
    chat.failing = true
    const { child, output } = start({
      WS_PORT: `${wsPort}`,
      INTERNAL_PORT: `${internalPort}`,
      KAFKA_BROKERS: kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
      CHAT_INTERNAL_URL: chat.url,
      TRACKS_INTERNAL_URL: 'http://127.0.0.1:1',
      SERVICE_TOKEN: chat.serviceToken,
      JWKS_URL: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}`,
      DRAIN_WINDOW: '100ms',
    })
    const ready = async () => {
      const response = await fetch(`http://127.0.0.1:${internalPort}/readyz`).catch(() => undefined)
      return [response?.status, await response?.json()]
    }
    await expect
      .poll(ready, { timeout: 30_000 })
      .toEqual([503, { status: 'unavailable', failing: { edge: 'chat has not answered yet' } }])
    chat.failing = false
    await expect.poll(ready, { timeout: 10_000 }).toEqual([200, { status: 'ok' }])

    const client = await openRaw(`ws://127.0.0.1:${wsPort}/connection/websocket`)
    const [userId, other] = [randomUUID(), randomUUID()]
    const token = await signer.sign(identityOf(userId, 60))
    expect(await client.ask({ connect: { token } })).toHaveProperty('connect')
    const metrics = await (await fetch(`http://127.0.0.1:${internalPort}/metrics`)).text()
    expect(metrics).toMatch(/^ws_connections\S* 1$/m)

    const leaving = await openRaw(`ws://127.0.0.1:${wsPort}/connection/websocket`)
    await leaving.ask({ connect: { token: await signer.sign(identityOf(other, 60)) } })
    const disconnect = async (body: object, authorization = `Bearer ${chat.serviceToken}`) => {
      const response = await fetch(`http://127.0.0.1:${internalPort}/internal/v1/disconnect`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      await response.body?.cancel()
      return response.status
    }
    expect(await disconnect({ userId: other }, 'Bearer guess')).toBe(401)
    expect(await disconnect({ userId: 'everybody' })).toBe(400)
    expect(await disconnect({ userId: other })).toBe(202)
    expect(await leaving.closed).toEqual({ code: 3503, reason: 'force no reconnect' })
    expect(await client.ask({ rpc: { method: 'time' } })).toHaveProperty('rpc')

    child.kill('SIGTERM')
    expect(await client.closed).toEqual({ code: 3001, reason: 'shutdown' })
    expect(await exitCode(child)).toBe(0)
    expect(output()).toContain('"msg":"listening"')
  })

  it('says all that is wrong with its environment, a line each', async () => {
    const { child, output } = start({ WS_PORT: 'many' })
    expect(await exitCode(child)).toBe(78)
    expect(output()).toMatch(/WS_PORT.*\n(.*\n)*.*SERVICE_TOKEN/)
  })

  it('refuses to run on an imitation of the native library', async () => {
    const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
    const { child, output } = start({
      UWS_USE_FALLBACK: 'true',
      WS_PORT: '0',
      INTERNAL_PORT: '0',
      KAFKA_BROKERS: kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
      CHAT_INTERNAL_URL: 'http://127.0.0.1:1',
      TRACKS_INTERNAL_URL: 'http://127.0.0.1:1',
      SERVICE_TOKEN: randomUUID(),
      JWKS_URL: 'http://127.0.0.1:1',
    })
    expect(await exitCode(child)).toBe(78)
    expect(output()).toContain('uWebSockets.js has no native binary')
  })
})
