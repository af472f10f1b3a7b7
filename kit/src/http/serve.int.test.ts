import { Hono } from 'hono'
import { once } from 'node:events'
import { Agent, request as nodeRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { serve } from './index.ts'

const host = '127.0.0.1'

/** An app whose answer waits for `answer()`. */
const slow = () => {
  let answer: () => void = () => undefined
  let arrived: () => void = () => undefined
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const wait = new Promise<void>((resolve) => (answer = resolve))
  const app = new Hono()
    .get('/slow', async (c) => {
      arrived()
      await wait
      return c.text('done')
    })
    .get('/quick', (c) => c.text('quick'))
  return { app, asked, answer }
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => {
      resolve(true)
    })
  })

const get = (port: number, path: string, agent: Agent) =>
  new Promise<{ text: string; connection: string | undefined }>((resolve, reject) => {
    nodeRequest({ port, host, path, agent }, (response) => {
      let text = ''
      response.on('data', (data: Buffer) => (text += data.toString()))
      response.on('end', () => {
        resolve({ text, connection: response.headers.connection })
      })
    })
      .on('error', reject)
      .end()
  })

test('closing waits for requests in flight, and lets nobody in', async () => {
  const { app, asked, answer } = slow()
  const server = await serve(app, { host, port: 0 })
  const agent = new Agent({ keepAlive: true })
  const inFlight = get(server.port, '/slow', agent)
  await asked
  const closed = server.close()
  expect(await refused(server.port)).toBe(true)
  answer()
  // The connection is not kept: the client must not send its next request to a server that is gone.
  expect(await inFlight).toEqual({ text: 'done', connection: 'close' })
  await closed
  agent.destroy()
})

test('idle connections do not keep it open', async () => {
  const { app } = slow()
  const server = await serve(app, { host, port: 0 })
  const agent = new Agent({ keepAlive: true })
  await get(server.port, '/quick', agent)
  await server.close(60_000)
  agent.destroy()
})

test('what is not done after the grace is cut', async () => {
  const { app, asked } = slow()
  const server = await serve(app, { host, port: 0 })
  const inFlight = get(server.port, '/slow', new Agent())
  const failure = expect(inFlight).rejects.toThrow()
  await asked
  await server.close(1)
  await failure
})

test('a port in use is named', async () => {
  const { app } = slow()
  const server = await serve(app, { host, port: 0 })
  await expect(serve(app, { host, port: server.port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${server.port}: the port is in use`,
  )
  await expect(serve(app, { host: '203.0.113.1', port: 0 })).rejects.toThrow('EADDRNOTAVAIL')
  await server.close()
})

test('a crowd that comes at once is let in, before whoever comes after it', async () => {
  const server = await serve(new Hono(), { host, port: 0 })
  const sockets: Socket[] = []
  const come = () => {
    const socket = connect(server.port, host)
    sockets.push(socket)
    return once(socket, 'connect')
  }
  let isIn = 0
  // All of them before this process has a turn in which it could accept one: whoever finds no room tries again a second later.
  for (let n = 0; n < 700; n++) void come().then(() => isIn++)
  await new Promise((resolve) => setImmediate(resolve))
  await come()
  expect(isIn).toBe(700)
  for (const socket of sockets) socket.destroy()
  await server.close()
})
