import { describe as suite, expect, test } from 'vitest'
import {
  EnvironmentError,
  describe,
  duration,
  integer,
  list,
  optional,
  readEnv,
  secret,
  secretBytes,
  string,
  url,
} from './index.ts'

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read()
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems
    throw error
  }
  return []
}

suite('readEnv', () => {
  test('reads values, defaults and absent optionals', () => {
    const env = readEnv(
      {
        BROKERS: list('Kafka'),
        PORT: integer('Port', 8080),
        GRACE: duration('Grace', '30s'),
        COLLECTOR: optional(url('Collector')),
      },
      { BROKERS: 'a:1,b:2', PORT: ' 9090 ', GRACE: '' },
    )
    expect(env).toEqual({ BROKERS: ['a:1', 'b:2'], PORT: 9090, GRACE: 30_000, COLLECTOR: undefined })
  })

  test('reads the process environment unless told otherwise', () => {
    expect(readEnv({ PATH: string('Programs') }).PATH).toBe(process.env['PATH'])
  })

  test('names every problem at once, one line each', () => {
    const problems = problemsOf(() =>
      readEnv(
        { BROKERS: list('Kafka to connect to'), PORT: integer('Port'), GRACE: duration('Grace', '30s') },
        { PORT: 'http', GRACE: '30' },
      ),
    )
    expect(problems).toEqual([
      'BROKERS is missing: Kafka to connect to. Expected items separated by commas',
      'PORT is "http": expected a whole number at least 0',
      'GRACE is "30": expected a duration such as 250ms, 30s, 10m, 1h',
    ])
  })

  test('never repeats a secret, nor a URL that may hold one', () => {
    const problems = problemsOf(() =>
      readEnv(
        { TOKEN: secret('Token'), KEY: secretBytes('Key', 32), DATABASE: url('Database') },
        { TOKEN: 'hunter2', KEY: 'hunter2', DATABASE: 'postgres://user:hunter2@host' },
      ),
    )
    expect(problems).toHaveLength(3)
    expect(problems.join()).not.toContain('hunter2')
  })
})

test('describe gives a row a setting', () => {
  expect(describe({ PORT: integer('Port', 8080), TOKEN: secret('Token'), X: optional(string('X')) })).toEqual(
    [
      { name: 'PORT', doc: 'Port', shape: 'a whole number at least 0', fallback: '8080', required: false },
      {
        name: 'TOKEN',
        doc: 'Token',
        shape: 'a secret of at least 16 characters',
        fallback: undefined,
        required: true,
      },
      { name: 'X', doc: 'X', shape: 'text', fallback: undefined, required: false },
    ],
  )
})
