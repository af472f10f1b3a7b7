import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { type Socket, createConnection } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type World, startWorld } from './testing/edge-under-test.ts'
import { type RawClient, openRaw } from './testing/raw-client.ts'

let world: World
let url: string
let roomId: string
let token: string
/** Talks all the while, and must not notice. */
let bystander: RawClient

beforeAll(async () => {
  world = await startWorld()
  ;({ url } = await world.edge({ session: { connectDeadlineMs: 60_000 } }))
  const userId = randomUUID()
  roomId = world.chat.addRoom([userId])
  token = await world.token(userId)
  bystander = await openRaw(url)
  await bystander.ask({ connect: { token } })
  await bystander.ask({ subscribe: { channel: `room:${roomId}` } })
})
afterAll(async () => {
  bystander.socket.close()
  await world.close()
})

const othersGoOn = async (): Promise<void> => {
  expect(await bystander.ask({ rpc: { method: 'time' } })).toHaveProperty('rpc')
}

/** What the protocol has for a client that does what it should not, or a connection that goes on. */
const known = new Set([3500, 3501, 3508, 3013, 1006, 1007, 1009, 1002, 1005])

const connectCommand = (): string => JSON.stringify({ id: 1, connect: { token } })

/** Sends frames after a valid connect command, then sees whether the connection answers or was closed with a code. */
const outcome = async (frames: readonly (string | Uint8Array)[], subprotocol?: string): Promise<number> => {
  const client = await openRaw(url, subprotocol === undefined ? {} : { protocols: [subprotocol] })
  if (subprotocol === undefined) client.socket.send(connectCommand())
  for (const frame of frames) client.socket.send(frame)
  // Whatever is left of the connection ends here: a closing handshake is answered only by an edge that lives.
  client.socket.close(1000)
  return (await client.closed).code
}

const names = fc.constantFrom('connect', 'subscribe', 'publish', 'history', 'presence', 'rpc', 'send', 'id')
const fields = fc.constantFrom(
  'channel',
  'token',
  'recover',
  'offset',
  'epoch',
  'since',
  'limit',
  'data',
  'method',
)
const command = fc
  .tuple(
    fc.oneof(fc.integer(), fc.double(), fc.string()),
    fc.dictionary(names, fc.dictionary(fields, fc.jsonValue())),
  )
  .map(([id, body]) => JSON.stringify({ id, ...body }))

describe('whatever a client sends', () => {
  it('as text ends in a known code or an answer, and harms nobody else', async () => {
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      command,
      fc.array(command).map((lines) => lines.join('\n')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 4 }), async (frames) => {
        expect([...known, 1000]).toContain(await outcome(frames))
      }),
      { seed: 11, numRuns: 150 },
    )
    await othersGoOn()
  })

  it('as Protobuf ends in a known code or an answer, and harms nobody else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
        async (frames) => {
          expect([...known, 1000]).toContain(await outcome(frames, 'centrifuge-protobuf'))
        },
      ),
      { seed: 12, numRuns: 150 },
    )
    await othersGoOn()
  })

  it.each([
    [
      'deep JSON as data',
      `{"id":2,"rpc":{"method":"time","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
      1000,
    ],
    ['deep JSON as a command', '{"id":'.repeat(10_000), 3501],
    ['an id beyond 32 bits', '{"id":4294967296,"rpc":{}}', 3501],
    ['an id beyond 53 bits', '{"id":9007199254740993,"rpc":{}}', 3501],
    ['an offset beyond 53 bits', '{"id":2,"history":{"channel":"x","since":{"offset":1e17}}}', 3501],
    ['a channel as long as a frame', `{"id":2,"subscribe":{"channel":"${'x'.repeat(60_000)}"}}`, 1000],
    ['keys of the prototype', '{"id":2,"rpc":{"method":"__proto__","data":{"__proto__":{"a":1}}}}', 1000],
  ])('such as %s', async (_, frame, code) => {
    expect(await outcome([frame])).toBe(code)
    await othersGoOn()
  })
})

/** A WebSocket whose frames a test makes itself. */
const openBare = async (): Promise<{ socket: Socket; ended: Promise<Buffer>; received: () => string }> => {
  const { hostname, port, pathname } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  const chunks: Buffer[] = []
  const ended = new Promise<Buffer>((resolve) => {
    socket.on('close', () => {
      resolve(Buffer.concat(chunks))
    })
  })
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const received = () => Buffer.concat(chunks).toString('latin1')
  await expect.poll(received).toContain('101')
  return { socket, ended, received }
}

/** A client's frame; its mask is zero. */
const frameOf = (firstByte: number, payload: Buffer): Buffer => {
  const head =
    payload.length < 126
      ? Buffer.from([firstByte, 0x80 | payload.length])
      : Buffer.from([firstByte, 0xfe, payload.length >> 8, payload.length & 255])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

describe('frames', () => {
  it('in fragments, cut anywhere, are one', async () => {
    const { socket, ended, received } = await openBare()
    const text = Buffer.from(connectCommand())
    const bytes = Buffer.concat([
      frameOf(0x01, text.subarray(0, 10)),
      frameOf(0x00, text.subarray(10, 20)),
      frameOf(0x80, text.subarray(20)),
      frameOf(0x81, Buffer.from('{"id":2,"rpc":{"method":"time"}}')),
    ])
    for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7))
    await expect.poll(received).toContain('"now":')
    socket.write(frameOf(0x88, Buffer.from([3, 232])))
    await ended
    await othersGoOn()
  })

  it.each([
    ['of text that is not UTF-8', frameOf(0x81, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
    ['of an unknown kind', frameOf(0x83, Buffer.from('{}'))],
    ['that continue nothing', frameOf(0x80, Buffer.from('{}'))],
    ['with reserved bits', frameOf(0xf1, Buffer.from('{}'))],
    [
      'that say they are larger than any',
      Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
    ],
    [
      'in fragments that are too large together',
      Buffer.concat([
        frameOf(0x01, Buffer.alloc(60_000, 0x20)),
        frameOf(0x00, Buffer.alloc(60_000, 0x20)),
        frameOf(0x80, Buffer.alloc(10, 0x20)),
      ]),
    ],
  ])('%s end the connection, and no other', async (_, bytes) => {
    const { socket, ended } = await openBare()
    socket.write(bytes)
    await ended
    await othersGoOn()
  })
})
