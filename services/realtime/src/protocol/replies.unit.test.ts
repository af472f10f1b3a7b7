import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errors } from './codes.ts'
import * as replies from './replies.ts'

const parse = (line: string): unknown => {
  expect(line).not.toContain('\n')
  return JSON.parse(line)
}

describe('replies', () => {
  it('carry an error as Centrifugo documents it', () => {
    expect(parse(replies.errorReply(3, errors.internal))).toEqual({
      id: 3,
      error: { code: 100, message: 'internal server error', temporary: true },
    })
  })

  it('answer a subscription without recovery', () => {
    const line = replies.subscribeReply(1, {
      position: { epoch: 'e"\n', offset: 5 },
      wasRecovering: false,
      recovered: false,
      publications: [],
    })
    expect(parse(line)).toEqual({
      id: 1,
      subscribe: { recoverable: true, positioned: true, epoch: 'e"\n', offset: 5 },
    })
  })

  it('answer a recovery with what was missed', () => {
    const line = replies.subscribeReply(1, {
      position: { epoch: 'e', offset: 5 },
      wasRecovering: true,
      recovered: true,
      publications: [replies.encodePublication(6, { a: 1 }), replies.encodePublication(7, { a: 2 })],
    })
    expect(parse(line)).toMatchObject({
      subscribe: {
        was_recovering: true,
        recovered: true,
        offset: 5,
        publications: [
          { offset: 6, data: { a: 1 } },
          { offset: 7, data: { a: 2 } },
        ],
      },
    })
  })

  it('never let data break a frame', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        // Not every object survives JSON (-0, __proto__), so JSON's own opinion is the reference.
        const reference: unknown = JSON.parse(JSON.stringify(data))
        expect(parse(replies.publicationPush('room:x', replies.encodePublication(1, data)))).toEqual({
          push: { channel: 'room:x', pub: { offset: 1, data: reference } },
        })
      }),
      { seed: 2 },
    )
  })

  it('never say that a token has no time left', () => {
    expect(replies.ttl(100, 40_500)).toBe(59)
    expect(replies.ttl(100, 99_900)).toBe(1)
    expect(replies.ttl(100, 200_000)).toBe(1)
  })
})
