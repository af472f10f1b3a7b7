import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobufjs from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { errors, insufficientState } from './codes.ts'
import { type Command } from './commands.ts'
import { chooseEncoding } from './encodings.ts'
import { json } from './json.ts'
import { protobuf } from './protobuf.ts'
import { type Reply, ttl } from './replies.ts'

const { root } = protobufjs.parse(readFileSync(join(import.meta.dirname, 'client.proto'), 'utf8'), {
  keepCase: true,
})
const commandType = root.lookupType('veza.centrifuge.Command')
const replyType = root.lookupType('veza.centrifuge.Reply')

const bytes = (content: string | Uint8Array): ArrayBuffer => {
  const copy = new Uint8Array(Buffer.from(content))
  return copy.buffer
}

const decode = (encoding: typeof json, content: string | Uint8Array): (Command | undefined)[] => [
  ...encoding.decode(bytes(content)),
]

/** A reply as a client reads it, `data` parsed, defaults left out. */
const readBack = {
  json: (frame: string | Uint8Array): unknown[] =>
    frame
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  protobuf(frame: string | Uint8Array): unknown[] {
    const reader = protobufjs.Reader.create(Buffer.from(frame))
    const replies: unknown[] = []
    while (reader.pos < reader.len) {
      const message = replyType.toObject(replyType.decodeDelimited(reader), { longs: Number, bytes: String })
      replies.push(
        JSON.parse(JSON.stringify(message), (name, value: unknown) => {
          if (name === 'data') return JSON.parse(Buffer.from(value as string, 'base64').toString()) as unknown
          return value === 0 || value === false ? undefined : value
        }),
      )
    }
    return replies
  },
}

const position = { epoch: 'e"\n', offset: 5 }
const publications = [
  { offset: 6, data: '{"a":1}' },
  { offset: 7, data: '"é\\n"' },
]
const info = { user: 'u', client: 'c' }
const channel = 'room:r'

const examples: readonly (readonly [Reply, object])[] = [
  [{ type: 'ping' }, {}],
  [
    { type: 'error', id: 3, error: errors.internal },
    { id: 3, error: { code: 100, message: 'internal server error', temporary: true } },
  ],
  [
    { type: 'publish', id: 1 },
    { id: 1, publish: {} },
  ],
  [
    { type: 'unsubscribe', id: 1 },
    { id: 1, unsubscribe: {} },
  ],
  [
    {
      type: 'connect',
      id: 1,
      result: {
        ...{ client: 'c', version: 'v', expires: true, ttl: 9, ping: 25, pong: true },
        subs: { x: { position, wasRecovering: true, recovered: true, publications } },
      },
    },
    {
      id: 1,
      connect: {
        ...{ client: 'c', version: 'v', expires: true, ttl: 9, ping: 25, pong: true },
        subs: {
          x: {
            recoverable: true,
            positioned: true,
            ...position,
            was_recovering: true,
            recovered: true,
            publications: [
              { offset: 6, data: { a: 1 } },
              { offset: 7, data: 'é\n' },
            ],
          },
        },
      },
    },
  ],
  [
    { type: 'refresh', id: 1, result: { client: 'c', expires: true, ttl: 9 } },
    { id: 1, refresh: { client: 'c', expires: true, ttl: 9 } },
  ],
  [
    {
      type: 'subscribe',
      id: 1,
      result: { position, wasRecovering: false, recovered: false, publications: [] },
    },
    { id: 1, subscribe: { recoverable: true, positioned: true, ...position } },
  ],
  [
    { type: 'subscribe', id: 1, result: { position, wasRecovering: true, recovered: true, publications } },
    {
      id: 1,
      subscribe: {
        recoverable: true,
        positioned: true,
        ...position,
        was_recovering: true,
        recovered: true,
        publications: [
          { offset: 6, data: { a: 1 } },
          { offset: 7, data: 'é\n' },
        ],
      },
    },
  ],
  [
    { type: 'history', id: 1, position, publications: publications.slice(0, 1) },
    { id: 1, history: { ...position, publications: [{ offset: 6, data: { a: 1 } }] } },
  ],
  [
    { type: 'presence', id: 1, result: { presence: { c: info } } },
    { id: 1, presence: { presence: { c: info } } },
  ],
  [
    { type: 'presence_stats', id: 1, result: { num_clients: 2, num_users: 1 } },
    { id: 1, presence_stats: { num_clients: 2, num_users: 1 } },
  ],
  [
    { type: 'rpc', id: 1, data: '{"now":1}' },
    { id: 1, rpc: { data: { now: 1 } } },
  ],
  [
    { type: 'published', channel, publication: { offset: 0, data: '1' } },
    { push: { channel, pub: { data: 1 } } },
  ],
  [
    { type: 'published', channel, publication: { offset: 2 ** 40, data: '1' } },
    { push: { channel, pub: { offset: 2 ** 40, data: 1 } } },
  ],
  [{ type: 'joined', channel, info }, { push: { channel, join: { info } } }],
  [{ type: 'left', channel, info }, { push: { channel, leave: { info } } }],
  [
    { type: 'unsubscribed', channel, advice: insufficientState },
    { push: { channel, unsubscribe: { code: 2500, reason: 'insufficient state' } } },
  ],
]

describe('replies', () => {
  it.each(examples)('say the same in both encodings: %j', (reply, expected) => {
    expect(readBack.json(json.encode([reply]))).toEqual([expected])
    expect(readBack.protobuf(protobuf.encode([reply]))).toEqual([expected])
  })

  it('share a frame', () => {
    const replies = examples.map(([reply]) => reply)
    const expected = examples.map(([, object]) => object)
    expect(readBack.json(json.encode(replies))).toEqual(expected)
    expect(readBack.protobuf(protobuf.encode(replies))).toEqual(expected)
  })

  it('are the bytes that the protocol has for them', () => {
    expect(Buffer.from(protobuf.encode([{ type: 'ping' }])).toString('hex')).toBe('00')
    const push: Reply = { type: 'published', channel: 'r', publication: { offset: 7, data: '{}' } }
    // Length; push (4) { channel (2) "r", pub (4) { data (4) "{}", offset (6) 7 } }.
    expect(Buffer.from(protobuf.encode([push])).toString('hex')).toBe(
      '0d220b12017222062202' + '7b7d' + '3007',
    )
  })

  it('never let data break a frame', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const text = JSON.stringify(data)
        // Not every object survives JSON (-0, __proto__), so JSON's own opinion is the reference.
        const expected = { push: { channel, pub: { offset: 1, data: JSON.parse(text) as unknown } } }
        const reply: Reply = { type: 'published', channel, publication: { offset: 1, data: text } }
        expect(readBack.json(json.encode([reply, reply]))).toEqual([expected, expected])
        const [first, second] = readBack.protobuf(protobuf.encode([reply, reply]))
        expect(JSON.stringify(first)).toBe(JSON.stringify(second))
      }),
      { seed: 2 },
    )
  })

  it('never say that a token has no time left', () => {
    expect(ttl(100, 40_500)).toBe(59)
    expect(ttl(100, 99_900)).toBe(1)
    expect(ttl(100, 200_000)).toBe(1)
  })
})

const frameOf = (...commands: object[]): Uint8Array => {
  const writer = protobufjs.Writer.create()
  for (const command of commands) commandType.encodeDelimited(command, writer.fork())
  return writer.finish()
}
const dataOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('JSON frames', () => {
  it.each([
    ['{}', ['pong']],
    ['{"id":1,"rpc":{}}\n{}', ['rpc', 'pong']],
    ['{}\n\n \r\n{}\n', ['pong', 'pong']],
    ['', [undefined]],
    [' \n ', [undefined]],
    ['{}\nnonsense', ['pong', undefined]],
  ])('are read a line at a time: %j', (frame, types) => {
    expect(decode(json, frame).map((command) => command?.type)).toEqual(types)
  })
})

describe('Protobuf frames', () => {
  it('carry what JSON frames carry', () => {
    const commands = [
      { id: 1, connect: { token: 't' } },
      {
        id: 2,
        subscribe: { channel, recover: true, epoch: 'e', offset: 2 ** 40, flag: 2, join_leave: true },
      },
      { id: 3, publish: { channel, data: { type: 'x', n: [1] } } },
      { id: 4, history: { channel, limit: -1, since: { offset: 3, epoch: 'e' }, reverse: true } },
      { id: 5, rpc: { method: 'time', data: { a: 1 } } },
      { id: 6, unsubscribe: { channel } },
      { id: 7, presence: { channel } },
      { id: 8, presence_stats: { channel } },
      { id: 9, refresh: { token: 't' } },
      { id: 10, sub_refresh: { channel } },
      {},
    ]
    const encoded = commands.map((command) => {
      const copy = structuredClone(command) as { publish?: { data: unknown }; rpc?: { data: unknown } }
      if (copy.publish !== undefined) copy.publish.data = dataOf(copy.publish.data)
      if (copy.rpc !== undefined) copy.rpc.data = dataOf(copy.rpc.data)
      return copy
    })
    expect(decode(protobuf, frameOf(...encoded))).toEqual(
      decode(json, commands.map((command) => JSON.stringify(command)).join('\n')),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0), [undefined]],
    ['a pong', Buffer.from([0]), ['pong']],
    ['no message behind a length', Buffer.from([0, 200, 1]), ['pong', undefined]],
    ['an unknown command', frameOf({ id: 1 }), [undefined]],
    [
      'an offset beyond what is exact',
      frameOf({ id: 1, subscribe: { channel, recover: true, offset: 2 ** 60 } }),
      [undefined],
    ],
    [
      'groups within groups',
      Buffer.from([0x88, 0x27, ...Array.from({ length: 5000 }, () => 0x7b)]),
      [undefined],
    ],
  ])('with %s are read as far as they make sense', (_, frame, types) => {
    expect(decode(protobuf, frame).map((command) => command?.type)).toEqual(types)
  })

  it.each([
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['nothing', Buffer.alloc(0)],
  ])('with data that is %s have none', (_, data) => {
    expect(decode(protobuf, frameOf({ id: 1, publish: { channel, data } }))).toEqual([
      { type: 'publish', id: 1, channel, data: undefined },
    ])
  })

  it('never throw, whatever they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => {
        const commands = decode(protobuf, frame)
        expect(commands.slice(0, -1)).not.toContain(undefined)
      }),
      { seed: 3, numRuns: 2000 },
    )
  })
})

describe('the encoding of a connection', () => {
  it.each([
    [[], undefined, 'centrifuge-json'],
    [[], 'protobuf', 'centrifuge-protobuf'],
    [[], 'json', 'centrifuge-json'],
    [['centrifuge-json'], 'protobuf', 'centrifuge-json'],
    [['other', 'centrifuge-protobuf'], undefined, 'centrifuge-protobuf'],
    [['other'], undefined, undefined],
  ])('for the subprotocols %j and the format %s is %s', (subprotocols, format, expected) => {
    expect(chooseEncoding(subprotocols, format)?.subprotocol).toBe(expected)
  })
})
