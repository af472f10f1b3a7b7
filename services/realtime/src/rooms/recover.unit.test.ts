import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Publication } from '../protocol/replies.ts'
import { type Page, recover } from './recover.ts'
import { pushRing } from './ring.ts'
import { type Room, createRoom } from './room.ts'

const roomAt = (offset: number, ringFrom: number): Room => {
  const room = createRoom('r', 0)
  room.epoch = 'e'
  room.offset = offset
  for (let n = ringFrom; n <= offset; n++) pushRing(room.ring, n, `p${n}`, 1000)
  return room
}

const publications = (after: number, until: number): Publication[] =>
  page(after, until).data.map((data, index) => ({ offset: after + 1 + index, data }))

const page = (after: number, until: number, epoch = 'e'): Page => ({
  epoch,
  after,
  data: Array.from({ length: Math.max(0, until - after) }, (_, index) => `p${after + 1 + index}`),
})

describe('recover', () => {
  it.each([
    ['another epoch', { epoch: 'x', offset: 5 }, 'unrecoverable'],
    ['any epoch', { epoch: '', offset: 8 }, { publications: publications(8, 10) }],
    ['nothing missed', { epoch: 'e', offset: 10 }, { publications: [] }],
    ['ahead of the edge', { epoch: 'e', offset: 11 }, 'behind'],
    ['before the ring', { epoch: 'e', offset: 3 }, 'missing'],
    ['too far back', { epoch: 'e', offset: 1 }, 'unrecoverable'],
  ])('%s', (_, since, expected) => {
    expect(recover(roomAt(10, 6), since, 8, undefined)).toEqual(expected)
  })

  it('does not take a page of another epoch or position', () => {
    const room = roomAt(10, 6)
    expect(recover(room, { epoch: 'e', offset: 3 }, 8, page(3, 10, 'x'))).toBe('missing')
    expect(recover(room, { epoch: 'e', offset: 3 }, 8, page(2, 10))).toBe('missing')
    expect(recover(createRoom('r', 0), { epoch: '', offset: 0 }, 8, undefined)).toEqual({ publications: [] })
  })

  it('is exact or nothing, whatever page and ring hold', () => {
    const offset = fc.integer({ min: 0, max: 60 })
    fc.assert(
      fc.property(
        offset,
        offset,
        offset,
        offset,
        fc.integer({ min: 0, max: 60 }),
        (at, from, until, head, limit) => {
          const since = Math.min(at, head)
          const recovery = recover(
            roomAt(head, Math.max(1, from)),
            { epoch: 'e', offset: since },
            limit,
            page(since, until),
          )
          if (typeof recovery === 'string') return recovery !== 'behind'
          expect(recovery.publications.length).toBeLessThanOrEqual(limit)
          expect(recovery.publications).toEqual(publications(since, head))
          return true
        },
      ),
      { seed: 6, numRuns: 2000 },
    )
  })
})
