import { expect, test } from 'vitest'
import { isCollision, isUnavailable, isUniqueViolation } from './index.ts'

const coded = (code: unknown, extra: object = {}): Error => Object.assign(new Error('x'), { code, ...extra })

test.each([
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '25P03',
  '08006',
  '08P01',
])('%s is unavailability', (code) => {
  expect(isUnavailable(coded(code))).toBe(true)
  expect(isUnavailable(new Error('not stored', { cause: coded(code) }))).toBe(true)
})

test.each([
  'timeout exceeded when trying to connect',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
])('“%s” is unavailability', (message) => {
  expect(isUnavailable(new Error(message))).toBe(true)
})

test.each([
  coded('23505'),
  coded('42P01'),
  coded('57014'),
  coded(8006),
  new Error('x'),
  'ECONNREFUSED',
  null,
])('other errors are not', (error) => {
  expect(isUnavailable(error)).toBe(false)
})

test('a unique violation, of any constraint or of a named one', () => {
  const error = coded('23505', { constraint: 'users_email' })
  expect(isUniqueViolation(error)).toBe(true)
  expect(isUniqueViolation(error, 'users_email')).toBe(true)
  expect(isUniqueViolation(error, 'users_pkey')).toBe(false)
  expect(isUniqueViolation(coded('23503'))).toBe(false)
  expect(isUniqueViolation('23505')).toBe(false)
})

test('two transactions in each other’s way', () => {
  expect(isCollision(coded('40001'))).toBe(true)
  expect(isCollision(coded('40P01'))).toBe(true)
  expect(isCollision(coded('23505'))).toBe(false)
  expect(isCollision('40001')).toBe(false)
})
