import { expect, it } from 'vitest'
import { outcomeIdOf } from './outcome-id.ts'

const room = '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11'
const ana = '5f0c7a52-3b1e-4d9a-8c77-0d2f6b1e9a01'
const ben = '5f0c7a52-3b1e-4d9a-8c77-0d2f6b1e9a02'

it('is a UUID of version 8, the same for the same command', () => {
  const id = outcomeIdOf(room, ana, 'hello-1')
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(outcomeIdOf(room, ana, 'hello-1')).toBe(id)
})

it('stays what it is: stored messages are found by it', () => {
  expect(outcomeIdOf(room, ana, 'hello-1')).toMatchInlineSnapshot(`"8b2f1acc-4e09-8020-bc1d-4dfb4c72193f"`)
})

it('differs by room, sender and clientMessageId', () => {
  const ids = [
    outcomeIdOf(room, ana, '1'),
    outcomeIdOf(room, ben, '1'),
    outcomeIdOf(room, ana, '2'),
    outcomeIdOf(ben, ana, '1'),
    outcomeIdOf(room, ana, ''),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})
