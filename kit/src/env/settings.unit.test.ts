import fc from 'fast-check'
import { describe as suite, expect, test } from 'vitest'
import {
  type Setting,
  bytes,
  duration,
  flag,
  integer,
  list,
  namedUrls,
  number,
  oneOf,
  secret,
  secretBytes,
  string,
  url,
} from './index.ts'

const reads = <T>(setting: Setting<T>, text: string, value: T): void => {
  expect(setting.parse(text)).toEqual(value)
}
const refuses = (setting: Setting<unknown>, ...texts: string[]): void => {
  for (const text of texts) expect(() => setting.parse(text), text).toThrow()
}

suite('settings', () => {
  test('string', () => {
    reads(string('x'), 'any text', 'any text')
  })

  test('url', () => {
    reads(url('x'), 'http://127.0.0.1:8082/apis', 'http://127.0.0.1:8082/apis')
    refuses(url('x'), 'not a url', 'ftp://host', 'postgres://host/db')
    const database = url('x', undefined, { schemes: ['postgres'] })
    reads(database, 'postgres://u:p@host/db', 'postgres://u:p@host/db')
    expect(() => database.parse('http://u:hunter2@host')).toThrow('has the scheme http')
    expect(database.shape).toBe('a URL (postgres://)')
  })

  test('list', () => {
    reads(list('x'), ' a:1, b:2 ,,', ['a:1', 'b:2'])
    refuses(list('x'), '', ' , ')
    reads(list('x', []), '', [])
    expect(list('x', ['a', 'b']).fallback).toBe('a,b')
  })

  test('namedUrls', () => {
    reads(namedUrls('x'), '', [])
    reads(namedUrls('x'), 'chat=http://a:1/, tracks=https://b', [
      { name: 'chat', url: 'http://a:1' },
      { name: 'tracks', url: 'https://b' },
    ])
    refuses(namedUrls('x'), 'chat', 'chat=ftp://a', 'Chat=http://a', 'chat=http://')
  })

  test('integer', () => {
    reads(integer('x'), '0', 0)
    reads(integer('x', undefined, { min: -5 }), '-5', -5)
    refuses(integer('x'), '-1', '1.5', '1e3', '', 'ten', '9999999999999999', '0x10')
    refuses(integer('x', 1, { min: 1, max: 65_535 }), '0', '65536')
    expect(integer('x', 1, { min: 1, max: 9 }).shape).toBe('a whole number from 1 to 9')
    expect(integer('x').shape).toBe('a whole number at least 0')
  })

  test('number', () => {
    reads(number('x', 0.5, { max: 1 }), '0.01', 0.01)
    refuses(number('x', 0.5, { max: 1 }), '1.01', '-0.1', '.5', 'NaN', 'Infinity')
  })

  test('duration', () => {
    reads(duration('x'), '250ms', 250)
    reads(duration('x'), '30s', 30_000)
    reads(duration('x'), '10m', 600_000)
    reads(duration('x'), '1h', 3_600_000)
    reads(duration('x'), '7d', 604_800_000)
    refuses(duration('x'), '30', '30 s', '-1s', '1.5s', '30S', 's', '999999999999d')
  })

  test('bytes', () => {
    reads(bytes('x'), '512B', 512)
    reads(bytes('x'), '64KiB', 65_536)
    reads(bytes('x'), '1GiB', 1_073_741_824)
    refuses(bytes('x'), '64', '64KB', '64kib', '')
  })

  test('every whole amount of every unit is read exactly', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])),
        (amount, unit) => {
          expect(duration('x').parse(`${amount}${unit}`)).toBe(amount * units[unit])
        },
      ),
      { seed: 3 },
    )
  })

  test('flag', () => {
    reads(flag('x'), 'true', true)
    reads(flag('x', true), 'false', false)
    refuses(flag('x'), 'yes', '1', 'TRUE')
  })

  test('oneOf', () => {
    reads(oneOf('x', ['debug', 'info']), 'info', 'info')
    refuses(oneOf('x', ['debug', 'info'], 'info'), 'INFO', 'warn')
  })

  test('secrets have no default and are marked', () => {
    reads(secret('x'), '0123456789abcdef', '0123456789abcdef')
    refuses(secret('x'), 'short')
    const key = Buffer.alloc(32, 7)
    reads(secretBytes('x', 32), key.toString('base64'), key)
    refuses(secretBytes('x', 32), 'not base64!', Buffer.alloc(31).toString('base64'))
    expect([secret('x'), secretBytes('x', 32)]).toMatchObject([
      { secret: true, fallback: undefined },
      { secret: true, fallback: undefined },
    ])
  })
})
