import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Centrifuge } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { expect, inject, it } from 'vitest'
import { WebSocket } from 'ws'
import { createRoom, type Person, register } from '../support/api.ts'
import { pythonWithSdk } from './python.ts'

/** What a run of the scenario reports, the same for every SDK. */
interface Report {
  /** Offset, clientMessageId, body. */
  readonly seen: readonly (readonly [number, string, string])[]
  /** was_recovering and recovered of each subscription. */
  readonly recovered: readonly (readonly [boolean, boolean])[]
  readonly history: readonly (readonly [number, string])[]
  /** Users. */
  readonly presence: readonly string[]
  /** Connections and users. */
  readonly stats: readonly [number, number]
  readonly time: boolean
  readonly errors: Readonly<Record<string, number>>
}

type Scenario = (url: string, person: Person, roomId: string) => Promise<Report>

const runPython =
  (encoding: string): Scenario =>
  async (url, person, roomId) => {
    const python = await pythonWithSdk((line) => process.stderr.write(`interop: ${line}\n`))
    const script = join(import.meta.dirname, 'scenario.py')
    const options = { timeout: 90_000, env: { ...process.env, PYTHONIOENCODING: 'utf-8' } }
    const { stdout } = await promisify(execFile)(
      python,
      [script, url, person.token, roomId, encoding],
      options,
    )
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Report
  }

const runJavaScript =
  (encoding: 'json' | 'protobuf'): Scenario =>
  async (url, { token }, roomId) => {
    const isProtobuf = encoding === 'protobuf'
    const Sdk = isProtobuf ? (ProtobufCentrifuge as unknown as typeof Centrifuge) : Centrifuge
    const encode = (value: object): unknown => (isProtobuf ? Buffer.from(JSON.stringify(value)) : value)
    const decode = (data: unknown): { clientMessageId: string; body: string; now: number } =>
      (isProtobuf ? JSON.parse(Buffer.from(data as Uint8Array).toString()) : data) as ReturnType<
        typeof decode
      >
    const post = (name: string, body: string) => encode({ type: 'message.post', clientMessageId: name, body })
    const open = async () => {
      const client = new Sdk(url, { token, websocket: WebSocket, minReconnectDelay: 50 })
      client.connect()
      await client.ready(10_000)
      return client
    }
    const client = await open()
    const channel = `room:${roomId}`
    const sub = client.newSubscription(channel)
    const seen: [number, string, string][] = []
    const recovered: [boolean, boolean][] = []
    sub.on('publication', ({ data, offset = 0 }) => {
      const { clientMessageId, body } = decode(data)
      seen.push([offset, clientMessageId, body])
    })
    sub.on('subscribed', (context) => recovered.push([context.wasRecovering, context.recovered]))
    sub.subscribe()
    await sub.ready(10_000)
    for (let n = 0; n < 5; n++) await sub.publish(post(`${encoding}-${n}`, `message ${n}: 日本語 🎶`))
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(5)

    client.disconnect()
    const other = await open()
    for (let n = 5; n < 8; n++) await other.publish(channel, post(`${encoding}-${n}`, `while away ${n}`))
    other.disconnect()
    client.connect()
    await expect.poll(() => [seen.length, recovered.length], { timeout: 20_000 }).toEqual([8, 2])

    const codeOf = (failing: Promise<unknown>): Promise<number> =>
      failing.then(
        () => 0,
        (error: unknown) => (error as { code: number }).code,
      )
    const { publications } = await sub.history({ limit: 2, reverse: true })
    const { clients } = await sub.presence()
    const stats = await sub.presenceStats()
    const time: { data: unknown } = await client.rpc('time', encode({}))
    const report: Report = {
      seen,
      recovered,
      history: publications.map(({ offset = 0, data }) => [offset, decode(data).clientMessageId]),
      presence: Object.values(clients).map(({ user }) => user),
      stats: [stats.numClients, stats.numUsers],
      time: decode(time.data).now > 0,
      errors: {
        empty: await codeOf(sub.publish(post('x', ''))),
        unknown: await codeOf(client.publish('nonsense', encode({}))),
        method: await codeOf(client.rpc('no such method', encode({}))),
      },
    }
    client.disconnect()
    return report
  }

const sdks: readonly (readonly [string, string, Scenario])[] = [
  ['JavaScript', 'json', runJavaScript('json')],
  ['JavaScript', 'protobuf', runJavaScript('protobuf')],
  ['Python', 'json', runPython('json')],
  ['Python', 'protobuf', runPython('protobuf')],
]

it.each(sdks)('the %s SDK, unmodified, in %s: talks, recovers, asks', async (_, encoding, scenario) => {
  const { http, ws } = inject('veza')
  const person = await register(http, 'Somebody')
  const roomId = await createRoom(http, person, 'interop')
  const names = Array.from({ length: 8 }, (_unused, n) => `${encoding}-${n}`)
  expect(await scenario(ws, person, roomId)).toEqual({
    seen: names.map((name, n) => [n + 1, name, n < 5 ? `message ${n}: 日本語 🎶` : `while away ${n}`]),
    recovered: [
      [false, false],
      [true, true],
    ],
    history: [
      [8, `${encoding}-7`],
      [7, `${encoding}-6`],
    ],
    presence: [person.id],
    stats: [1, 1],
    time: true,
    errors: { empty: 107, unknown: 102, method: 104 },
  })
})
