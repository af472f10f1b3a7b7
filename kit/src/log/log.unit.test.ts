import { ROOT_CONTEXT, context, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { testTelemetry } from '../testing/index.ts'
import { createLog, messageOf } from './index.ts'

const recorded = (level = 'info') => {
  const lines: string[] = []
  const log = createLog('test', level, { write: (line) => void lines.push(line) })
  return { log, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('writes one JSON object a line', () => {
  const { log, entries } = recorded()
  log.info({ partition: 3, at: new Date(0) }, 'assigned')
  expect(entries()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      pid: process.pid,
      name: 'test',
      partition: 3,
      at: '1970-01-01T00:00:00.000Z',
      msg: 'assigned',
    },
  ])
})

test('an error is told by its message, whatever else was thrown by its text', () => {
  expect([new TypeError('no'), 'no', 7, undefined].map(messageOf)).toEqual(['no', 'no', '7', 'undefined'])
})

test('keeps below its level', () => {
  const { log, entries } = recorded('warn')
  log.info('quiet')
  log.warn('loud')
  expect(entries()).toHaveLength(1)
})

test('never writes what is named like a secret, at any depth and in any spelling', () => {
  const { log, entries } = recorded()
  const secrets = {
    authorization: 'hunter2',
    token: 'hunter2',
    accessToken: 'hunter2',
    refresh_token: 'hunter2',
    password: 'hunter2',
    cookie: 'hunter2',
    'Set-Cookie': 'hunter2',
    body: 'hunter2',
    email: 'hunter2',
  }
  log.info({ ...secrets, request: { headers: secrets, list: [secrets, 'plain'] } }, 'request')
  const [entry] = entries()
  expect(JSON.stringify(entry)).not.toContain('hunter2')
  expect(entry).toMatchObject({
    password: '[redacted]',
    request: { list: [{ email: '[redacted]' }, 'plain'] },
  })
})

test('stops at a depth that only a cycle has', () => {
  const { log, entries } = recorded()
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const list: unknown[] = []
  list.push(list)
  log.info({ cycle, list }, 'round')
  expect(JSON.stringify(entries())).toContain('[deep]')
})

test('errors are written with code and causes, and without the rows that a database adds', () => {
  const { log, entries } = recorded()
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(hunter2) already exists.',
  })
  log.error({ err: new Error('not stored', { cause }) }, 'failed')
  log.error({ err: 'just text' }, 'failed')
  expect(entries()).toMatchObject([
    { err: { type: 'Error', message: 'not stored', cause: { message: 'duplicate key', code: '23505' } } },
    { err: { type: 'string', message: 'just text' } },
  ])
  expect(JSON.stringify(entries())).not.toContain('hunter2')
})

test('names the active span', async () => {
  const telemetry = testTelemetry()
  const { log, entries } = recorded()
  const span = telemetry.tracer.startSpan('work')
  context.with(trace.setSpan(ROOT_CONTEXT, span), () => {
    log.info('inside')
  })
  log.info('outside')
  const { traceId, spanId } = span.spanContext()
  expect(entries()[0]).toMatchObject({ trace_id: traceId, span_id: spanId })
  expect(entries()[1]).not.toHaveProperty('trace_id')
  await telemetry.close()
})
