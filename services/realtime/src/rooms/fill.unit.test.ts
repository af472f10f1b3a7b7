import { createLog } from '@veza/kit/log'
import { type RoomPublication } from '@veza/contracts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Filler, createFiller } from './fill.ts'
import { type Rooms, createRooms } from './rooms.ts'
import { type Head, type RoomSource, type StoredEvents } from './source.ts'

const fillers: Filler[] = []
afterEach(() => {
  for (const filler of fillers.splice(0)) filler.close()
})

const stored = (epoch: string, after: number, limit: number, head: number): StoredEvents => ({
  epoch,
  offset: head,
  events: Array.from({ length: Math.max(0, Math.min(limit, head - after)) }, (_, index) => ({
    offset: after + 1 + index,
    data: { body: 'b' } as RoomPublication,
  })),
})

const setUp = (source: Partial<RoomSource>) => {
  const published: number[] = []
  const rooms: Rooms = createRooms({
    settings: { ringEvents: 1000, ringBytes: 1e9, maxWaiting: 3, idleMs: 1e9 },
    publish(_, pushes) {
      for (const push of pushes) if (push.type === 'published') published.push(push.publication.offset)
    },
    onGap(room) {
      filler.fill(room)
    },
    onForeignEpoch(room) {
      filler.compare([room], 0)
    },
    now: Date.now,
  })
  const filler = createFiller({
    rooms,
    source: { heads: () => Promise.resolve([]), events: () => Promise.resolve(undefined), ...source },
    log: createLog('test', 'silent'),
  })
  fillers.push(filler)
  const room = rooms.hold('r')
  rooms.start(room, 'e', 0)
  const offer = (offset: number, epoch = 'e'): void => {
    rooms.offer(room, epoch, offset, () => '{}')
    rooms.flush()
  }
  return { published, rooms, filler, room, offer }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('a fill', () => {
  it('reads page after page, while the room goes on and forgets what it can not keep', async () => {
    let head = 1200
    const { published, offer, filler } = setUp({
      events(_, after, limit) {
        const page = stored('e', after, limit, head)
        // The room goes on while the answer is on its way.
        if (head < 1300) offer(++head)
        return Promise.resolve(page)
      },
    })
    for (const offset of [1200, 1199, 1198, 1197, 1196]) offer(offset)
    await vi.waitFor(() => {
      expect(published).toEqual(upTo(head))
    })
    expect(filler.stats.filled).toBeGreaterThan(1000)
  })

  it('tries again after failures and empty answers', async () => {
    const answers = [
      () => Promise.reject(new Error('away')),
      () => Promise.resolve({ epoch: 'e', offset: 2, events: [] }),
      () => Promise.resolve(stored('e', 0, 500, 2)),
    ]
    const { published, offer } = setUp({
      events: () => (answers.shift() ?? (() => Promise.resolve(undefined)))(),
    })
    offer(2)
    await vi.waitFor(
      () => {
        expect(published).toEqual([1, 2])
      },
      { timeout: 3000 },
    )
  })

  it('finds that the room has another epoch, or is gone', async () => {
    const first = setUp({ events: () => Promise.resolve(stored('f', 0, 0, 7)) })
    first.offer(2)
    await vi.waitFor(() => {
      expect(first.room).toMatchObject({ epoch: 'f', offset: 7 })
    })
    expect(first.filler.stats.resets).toBe(1)
    const second = setUp({})
    second.offer(2)
    await vi.waitFor(() => {
      expect(second.rooms.size).toBe(0)
    })
  })

  it('does not wait for what chat has never stored', async () => {
    const { published, offer } = setUp({
      events: (_, after, limit) => Promise.resolve(stored('e', after, limit, 1)),
    })
    offer(9)
    await vi.waitFor(() => {
      expect(published).toEqual([1])
    })
    offer(2)
    expect(published).toEqual([1, 2])
  })

  it('of many rooms does not ask for all at once', async () => {
    let [now, most] = [0, 0]
    const { rooms, filler } = setUp({
      async events(_, after, limit) {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setImmediate(resolve))
        now--
        return stored('e', after, limit, 1)
      },
    })
    const many = upTo(50).map((n) => {
      const room = rooms.hold(`r${n}`)
      rooms.start(room, 'e', 0)
      room.heads.set('e', 1)
      filler.fill(room)
      filler.fill(room)
      return room
    })
    await vi.waitFor(() => {
      expect(many.every((room) => room.offset === 1)).toBe(true)
    })
    expect(most).toBe(8)
  })
})

describe('a comparison', () => {
  const head = (epoch: string, offset: number): Head => ({ roomId: 'r', epoch, offset })

  it('tries until it knows, then fills', async () => {
    const heads = [() => Promise.reject(new Error('away')), () => Promise.resolve([head('e', 2)])]
    const { published, filler, room } = setUp({
      heads: () => (heads.shift() ?? (() => Promise.resolve([])))(),
      events: (_, after, limit) => Promise.resolve(stored('e', after, limit, 2)),
    })
    filler.compare([room], 0)
    await vi.waitFor(() => {
      expect(published).toEqual([1, 2])
    })
  })

  it('lets what is on its way arrive', async () => {
    const events = vi.fn(() => Promise.resolve(undefined))
    const { published, filler, room, offer } = setUp({ heads: () => Promise.resolve([head('e', 1)]), events })
    vi.useFakeTimers()
    filler.compare([room], 1000)
    await vi.advanceTimersByTimeAsync(999)
    expect(room.heads.get('e')).toBe(1)
    offer(1)
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    expect(published).toEqual([1])
    expect(events).not.toHaveBeenCalled()
  })

  it('tells an old epoch from a new one', async () => {
    let current = head('e', 1)
    const { room, offer, filler } = setUp({
      heads: () => Promise.resolve([current]),
      events: (_, after, limit) => Promise.resolve(stored(current.epoch, after, limit, current.offset)),
    })
    offer(5, 'old')
    await vi.waitFor(() => {
      expect([...room.heads.keys()]).toEqual(['e'])
    })
    expect(room.epoch).toBe('e')
    current = head('new', 1)
    offer(2, 'new')
    current = head('new', 2)
    await vi.waitFor(() => {
      expect(room).toMatchObject({ epoch: 'new', offset: 2 })
    })
    expect(filler.stats.resets).toBe(1)
  })

  it('drops a room that chat does not know', async () => {
    const { rooms, filler, room } = setUp({})
    filler.compare([room], 0)
    await vi.waitFor(() => {
      expect(rooms.size).toBe(0)
    })
  })

  it('for a client that is ahead ends when the room has caught up, or rejects', async () => {
    const { published, filler, room } = setUp({
      heads: () => Promise.resolve([head('e', 3)]),
      events: (_, after, limit) => Promise.resolve(stored('e', after, Math.min(limit, 2), 3)),
    })
    await filler.catchUp(room)
    expect(published).toEqual([1, 2, 3])
    const stuck = setUp({
      heads: () => Promise.resolve([head('e', 3)]),
      events: () => Promise.resolve({ epoch: 'e', offset: 3, events: [] }),
    })
    await expect(stuck.filler.catchUp(stuck.room)).rejects.toThrow('no events')
  })
})
