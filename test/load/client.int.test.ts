import { type AddressInfo } from 'node:net'
import { channels } from '@veza/contracts'
import { expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { seeded } from '../support/random.ts'
import { createLoadClient } from './client.ts'
import { createLedger, type Violations } from './ledger.ts'

/** A checker that can't fail proves nothing: an edge that breaks its promises in ways that a test chooses. */

const channel = channels.room('0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f')

interface Command {
  readonly id: number
  readonly connect?: object
  readonly subscribe?: { readonly recover?: boolean; readonly offset?: number }
  readonly publish?: { readonly data: { readonly clientMessageId: string; readonly body: string } }
}

interface Misbehaviour {
  /** What is sent instead of the publication of an offset; by default it, once. */
  readonly deliver?: (push: string, offset: number) => string[]
  /** Answers with a temporary error the first time. */
  readonly isUnwell?: (offset: number) => boolean
  /** Breaks the connection after the publication of this offset, without the acknowledgement. */
  readonly breakAfter?: number
  /** Recoveries bring so many publications at most, otherwise none. */
  readonly recoveryLimit?: number
}

const startEdge = async ({
  deliver = (push) => [push],
  isUnwell = () => false,
  breakAfter,
  recoveryLimit = 300,
}: Misbehaviour) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const log: {
    readonly offset: number
    readonly data: { readonly type: string; readonly clientMessageId: string }
  }[] = []
  const ids = new Set<string>()
  const answered = new Set<string>()

  const onCommand = (socket: WebSocket, { id, connect, subscribe, publish }: Command) => {
    const reply = (body: object) => {
      socket.send(JSON.stringify({ id, ...body }))
    }
    if (connect !== undefined) reply({ connect: { client: 'c', ping: 25, pong: true } })
    if (subscribe !== undefined) {
      const { recover = false, offset = 0 } = subscribe
      const recovered = recover && log.length - offset <= recoveryLimit
      const recovery = recovered ? { recovered, publications: log.slice(offset) } : {}
      const position = { epoch: 'e', offset: recovered ? offset : log.length }
      reply({ subscribe: { ...position, was_recovering: recover, ...recovery } })
    }
    if (publish === undefined) return
    const { clientMessageId } = publish.data
    if (!answered.has(clientMessageId) && isUnwell(log.length)) {
      answered.add(clientMessageId)
      reply({ error: { code: 100, message: 'internal server error', temporary: true } })
      return
    }
    if (!ids.has(clientMessageId)) {
      ids.add(clientMessageId)
      const offset = log.length + 1
      log.push({ offset, data: { type: 'message.posted', ...publish.data } })
      const pushes = deliver(JSON.stringify({ push: { channel, pub: log.at(-1) } }), offset)
      // Several publications in a frame, as the edge sends them.
      if (pushes.length > 0) socket.send(pushes.join('\n'))
      if (offset === breakAfter) {
        socket.terminate()
        return
      }
    }
    reply({ publish: {} })
  }
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      for (const line of (data as Buffer).toString().split('\n'))
        onCommand(socket, JSON.parse(line) as Command)
    })
  })
  return {
    url: new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/connection/websocket`),
    log,
  }
}

/** Sends ten messages and gives the ledger when all are answered. */
const tenMessages = async (misbehaviour: Misbehaviour) => {
  const ledger = createLedger(10, [1])
  const counts = { retries: 0, reconnects: 0, unrecovered: 0 }
  let isSubscribed = false
  const { url, log } = await startEdge(misbehaviour)
  const client = createLoadClient(
    {
      urls: [url],
      token: 'token',
      channel,
      run: 'run',
      bodyOf: () => 'a body with "offset":7 and 日本語',
      async readPast({ after, upTo }) {
        // What is sent now comes live, before history does.
        await expect.poll(() => ledger.unanswered, { timeout: 10_000 }).toBe(0)
        return log
          .slice(after, upTo)
          .map(({ offset, data }) => ({ offset, clientMessageId: data.clientMessageId }))
      },
      random: seeded(1),
    },
    {
      onStart(offset) {
        isSubscribed = true
        ledger.starts(0, 0, offset)
      },
      onDelivery: (offset, message) => ledger.delivered(0, 0, offset, message),
      onAcknowledged: (message) => ledger.acknowledged(message),
      onRefused: (message) => {
        ledger.refused(message)
      },
      onAbandoned: (message) => {
        ledger.abandoned(message)
      },
      onRetry: () => counts.retries++,
      onReconnect: () => counts.reconnects++,
      onResumed: () => undefined,
      onUnrecovered: () => counts.unrecovered++,
      onTrouble: () => undefined,
      position: () => ledger.position(0, 0),
    },
  )
  onTestFinished(() => {
    client.close()
  })
  await expect.poll(() => isSubscribed).toBe(true)
  for (let message = 0; message < 10; message++) {
    ledger.sent(message, 0)
    client.publish(message)
  }
  await expect.poll(() => ledger.unanswered, { timeout: 10_000 }).toBe(0)
  return { ledger, counts }
}

const clean: Violations = { lost: 0, duplicated: 0, outOfOrder: 0, disagreed: 0, foreign: 0, half: 0 }

it('finds nothing wrong with an edge that keeps its promise', async () => {
  const { ledger } = await tenMessages({})
  expect(ledger.violations()).toEqual(clean)
  expect(ledger.totals()).toEqual({ sent: 10, acknowledged: 10, refused: 0, abandoned: 0, delivered: 10 })
})

it('notices what is lost, and the gap', async () => {
  const { ledger } = await tenMessages({ deliver: (push, offset) => (offset === 4 ? [] : [push]) })
  expect(ledger.violations()).toEqual({ ...clean, lost: 1, outOfOrder: 1 })
})

it('notices what comes twice', async () => {
  const { ledger } = await tenMessages({ deliver: (push, offset) => (offset === 4 ? [push, push] : [push]) })
  expect(ledger.violations()).toEqual({ ...clean, duplicated: 1, outOfOrder: 1 })
})

it('notices what comes in another order', async () => {
  let held = ''
  const { ledger } = await tenMessages({
    deliver(push, offset) {
      if (offset === 4) held = push
      return offset === 4 ? [] : offset === 5 ? [push, held] : [push]
    },
  })
  // 5 after 3, 4 after 5; 6 then follows 5.
  expect(ledger.violations()).toEqual({ ...clean, outOfOrder: 2 })
})

it('notices what nobody sent', async () => {
  const { ledger } = await tenMessages({
    deliver: (push, offset) => (offset === 4 ? [push.replace(/run-\d/, 'gun-3')] : [push]),
  })
  expect(ledger.violations()).toEqual({ ...clean, lost: 1, foreign: 1 })
})

it('repeats what got a temporary error, under the same name', async () => {
  const { ledger, counts } = await tenMessages({ isUnwell: (stored) => stored % 3 === 2 })
  expect(counts.retries).toBeGreaterThan(0)
  expect(ledger.violations()).toEqual(clean)
  expect(ledger.totals().delivered).toBe(10)
})

it('comes back when it is cut off, recovers, and repeats what was not answered', async () => {
  const { ledger, counts } = await tenMessages({ breakAfter: 5 })
  expect(counts).toEqual({ retries: 0, reconnects: 1, unrecovered: 0 })
  expect(ledger.violations()).toEqual(clean)
  expect(ledger.totals()).toEqual({ sent: 10, acknowledged: 10, refused: 0, abandoned: 0, delivered: 10 })
})

it('reads history when a recovery brings nothing, and puts what comes live behind it', async () => {
  const { ledger, counts } = await tenMessages({
    breakAfter: 5,
    recoveryLimit: 1,
    // The first connection brings nothing from the third on.
    deliver: (push, offset) => (offset > 2 && offset <= 5 ? [] : [push]),
  })
  await expect.poll(() => ledger.owed, { timeout: 10_000 }).toBe(0)
  expect(counts).toEqual({ retries: 0, reconnects: 1, unrecovered: 1 })
  expect(ledger.violations()).toEqual(clean)
  expect(ledger.totals()).toEqual({ sent: 10, acknowledged: 10, refused: 0, abandoned: 0, delivered: 10 })
})
