import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, readCommand } from './commands.ts'

const parseCommand = (line: string): Command | undefined => {
  try {
    return readCommand(JSON.parse(line))
  } catch {
    return undefined
  }
}

describe('readCommand', () => {
  it.each([
    ['{}', { type: 'pong' }],
    ['{"id":0}', { type: 'pong' }],
    ['{"send":{"data":1}}', { type: 'send' }],
    ['{"id":9,"send":{}}', { type: 'send' }],
    [
      '{"id":1,"connect":{"token":"t","name":"js"}}',
      { type: 'connect', id: 1, token: 't', since: new Map() },
    ],
    ['{"id":1,"connect":{}}', { type: 'connect', id: 1, token: '', since: new Map() }],
    [
      '{"id":1,"connect":{"token":"t","subs":{"a":{"recover":true,"epoch":"e","offset":3},"b":{"recover":true},"c":{},"d":null}}}',
      {
        ...{ type: 'connect', id: 1, token: 't' },
        since: new Map([
          ['a', { epoch: 'e', offset: 3 }],
          ['b', { epoch: '', offset: 0 }],
        ]),
      },
    ],
    ['{"id":2,"refresh":{"token":"t"}}', { type: 'refresh', id: 2, token: 't' }],
    ['{"id":3,"unsubscribe":{"channel":"c"}}', { type: 'unsubscribe', id: 3, channel: 'c' }],
    ['{"id":4,"publish":{"channel":"c","data":[1]}}', { type: 'publish', id: 4, channel: 'c', data: [1] }],
    [
      '{"id":5,"subscribe":{"channel":"c"}}',
      {
        type: 'subscribe',
        id: 5,
        channel: 'c',
        since: undefined,
        rejectUnrecovered: false,
        joinLeave: false,
      },
    ],
    [
      '{"id":5,"subscribe":{"channel":"c","recover":true,"epoch":"e","offset":7,"flag":3,"join_leave":true}}',
      {
        type: 'subscribe',
        id: 5,
        channel: 'c',
        since: { epoch: 'e', offset: 7 },
        rejectUnrecovered: true,
        joinLeave: true,
      },
    ],
    [
      '{"id":6,"history":{"channel":"c","limit":-1,"reverse":true,"since":{"offset":3}}}',
      { type: 'history', id: 6, channel: 'c', limit: -1, reverse: true, since: { epoch: '', offset: 3 } },
    ],
    [
      '{"id":6,"history":{"channel":"c","since":null}}',
      { type: 'history', id: 6, channel: 'c', limit: 0, reverse: false, since: undefined },
    ],
    ['{"id":7,"presence":{}}', { type: 'presence', id: 7, channel: '' }],
    ['{"id":7,"presence_stats":{"channel":"c"}}', { type: 'presence_stats', id: 7, channel: 'c' }],
    ['{"id":7,"rpc":{"method":"time","data":[1]}}', { type: 'rpc', id: 7, method: 'time', data: [1] }],
    ['{"id":7,"sub_refresh":{"channel":"c"}}', { type: 'sub_refresh', id: 7, channel: 'c' }],
  ])('reads %s', (line, command) => {
    expect(parseCommand(line)).toEqual(command)
  })

  it.each([
    '',
    '{',
    'null',
    '[]',
    '1',
    '"text"',
    '{"id":1}',
    '{"id":1,"fly":{}}',
    '{"id":1,"connect":null}',
    '{"id":-1,"connect":{}}',
    '{"id":1.5,"connect":{}}',
    '{"id":"1","connect":{}}',
    '{"id":4294967296,"connect":{}}',
    '{"id":1,"connect":[]}',
    '{"id":1,"connect":{"token":1}}',
    '{"id":1,"connect":{"subs":[]}}',
    '{"id":1,"connect":{"subs":{"a":1}}}',
    '{"id":1,"connect":{"subs":{"a":{"recover":true,"offset":-1}}}}',
    '{"id":1,"subscribe":{"channel":{}}}',
    '{"id":1,"subscribe":{"channel":"c","recover":1}}',
    '{"id":1,"subscribe":{"channel":"c","recover":true,"offset":-1}}',
    '{"id":1,"subscribe":{"channel":"c","recover":true,"offset":1e300}}',
    '{"id":1,"history":{"channel":"c","limit":"all"}}',
    '{"send":1}',
  ])('takes %j for malformed', (line) => {
    expect(parseCommand(line)).toBeUndefined()
  })

  it('reads nesting of any depth that a frame can hold', () => {
    const depth = 30_000
    const line = `{"id":1,"publish":{"channel":"c","data":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    expect(parseCommand(line)).toMatchObject({ type: 'publish', channel: 'c' })
  })

  it('never throws', () => {
    const names = fc.constantFrom(
      'connect',
      'subscribe',
      'publish',
      'history',
      'send',
      'refresh',
      'rpc',
      'id',
      'x',
    )
    const fields = fc.constantFrom(
      'channel',
      'token',
      'recover',
      'offset',
      'epoch',
      'flag',
      'since',
      'limit',
      'data',
    )
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .tuple(
          fc.jsonValue(),
          fc.dictionary(names, fc.oneof(fc.jsonValue(), fc.dictionary(fields, fc.jsonValue()))),
        )
        .map(([id, body]) => JSON.stringify({ id, ...body })),
    )
    fc.assert(
      fc.property(line, (text) => {
        const command = parseCommand(text)
        return command === undefined || typeof command.type === 'string'
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})
