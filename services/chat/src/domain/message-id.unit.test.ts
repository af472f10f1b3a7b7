import { expect, it } from 'vitest'
import { messageIdOf } from './message-id.ts'

const room = '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11'
const ana = '5f0c7a52-3b1e-4d9a-8c77-0d2f6b1e9a01'
const ben = '5f0c7a52-3b1e-4d9a-8c77-0d2f6b1e9a02'

it('is a UUID of version 8, the same for the same command', () => {
  const id = messageIdOf(room, ana, 'hello-1')
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(messageIdOf(room, ana, 'hello-1')).toBe(id)
})

it('stays what it is: stored messages are found by it', () => {
  expect(messageIdOf(room, ana, 'hello-1')).toMatchInlineSnapshot(`"8b2f1acc-4e09-8020-bc1d-4dfb4c72193f"`)
})

it('differs by room, sender and clientMessageId', () => {
  const ids = [
    messageIdOf(room, ana, '1'),
    messageIdOf(room, ben, '1'),
    messageIdOf(room, ana, '2'),
    messageIdOf(ben, ana, '1'),
    messageIdOf(room, ana, ''),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})
