import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Reply } from '../protocol/replies.ts'
import { type Room } from './room.ts'
import { type Rooms, type RoomsSettings, createRooms } from './rooms.ts'

const settings: RoomsSettings = { ringEvents: 10, ringBytes: 1e6, maxWaiting: 5, idleMs: 100 }

const setUp = (changed: Partial<RoomsSettings> = {}) => {
  const frames: (readonly Reply[])[] = []
  const published: number[] = []
  const clock = { at: 0 }
  const onGap = vi.fn<(room: Room) => void>()
  const onForeignEpoch = vi.fn<(room: Room) => void>()
  const rooms = createRooms({
    settings: { ...settings, ...changed },
    publish(_channel, pushes) {
      frames.push(pushes)
      for (const push of pushes) if (push.type === 'published') published.push(push.publication.offset)
    },
    onGap,
    onForeignEpoch,
    now: () => clock.at,
  })
  return { rooms, frames, published, clock, onGap, onForeignEpoch }
}

const offer = (rooms: Rooms, room: Room, offset: number, epoch = 'e'): void => {
  rooms.offer(room, epoch, offset, () => `{"n":${offset}}`)
}

const subscriber = () => ({
  resubscribe: vi.fn<(channel: string) => void>(),
  isSlow: () => false,
  pause: () => undefined,
  listen: () => undefined,
})

describe('a room', () => {
  it('delivers every event once and in order, whatever order, repetition and batching they come in', () => {
    const arrivals = fc
      .integer({ min: 1, max: 40 })
      .chain((count) =>
        fc.tuple(
          fc.constant(count),
          fc.integer({ min: 0, max: 20 }),
          fc.array(fc.tuple(fc.integer({ min: 1, max: count }), fc.boolean()), { maxLength: 200 }),
        ),
      )
    fc.assert(
      fc.property(arrivals, ([count, start, events]) => {
        const { rooms, published } = setUp()
        const room = rooms.hold('r')
        rooms.start(room, 'e', start)
        // Whatever was forgotten on the way, a fill brings in the end.
        const fill = Array.from({ length: count }, (_, index) => [index + 1, true] as const)
        for (const [offset, ends] of [...events, ...fill]) {
          offer(rooms, room, offset)
          if (ends) rooms.flush()
        }
        const expected = Array.from({ length: Math.max(0, count - start) }, (_, index) => start + 1 + index)
        expect(published).toEqual(expected)
        expect(room.waiting.size).toBe(0)
      }),
      { seed: 5, numRuns: 500 },
    )
  })

  it('puts up to 16 publications in a frame', () => {
    const { rooms, frames } = setUp()
    const room = rooms.hold('r')
    rooms.start(room, 'e', 0)
    for (let offset = 1; offset <= 40; offset++) offer(rooms, room, offset)
    rooms.flush()
    expect(frames.map((frame) => frame.length)).toEqual([16, 16, 8])
  })

  it('remembers of a deleted message that it was there, and not what it said', () => {
    const { rooms } = setUp()
    const room = rooms.hold('r')
    rooms.start(room, 'e', 0)
    const post = { type: 'message.posted', messageId: 'm', body: 'a secret' }
    const deletion = { type: 'message.deleted', messageId: 'm' }
    rooms.offer(room, 'e', 1, () => JSON.stringify(post))
    rooms.flush()
    const before = rooms.ringBytes
    rooms.offer(room, 'e', 2, () => JSON.stringify(deletion))
    rooms.flush()
    const remembered = room.ring.entries.map((entry) => JSON.parse(entry) as object)
    expect(remembered).toEqual([{ ...post, body: '' }, deletion])
    expect(rooms.ringBytes).toBe(room.ring.bytes)
    expect(rooms.ringBytes - before).toBeLessThan(JSON.stringify(deletion).length + 48)
  })

  it('asks for what is missing when an event comes too early', () => {
    const { rooms, published, onGap } = setUp()
    const room = rooms.hold('r')
    rooms.start(room, 'e', 1)
    offer(rooms, room, 3)
    rooms.flush()
    expect(onGap).toHaveBeenCalledExactlyOnceWith(room)
    expect(published).toEqual([])
  })

  it('asks for what came while it was starting', () => {
    const { rooms, onGap, onForeignEpoch } = setUp()
    const room = rooms.hold('r')
    offer(rooms, room, 4)
    rooms.start(room, 'e', 3)
    expect(onForeignEpoch).not.toHaveBeenCalled()
    expect(onGap).toHaveBeenCalledExactlyOnceWith(room)
  })

  it('starts once', () => {
    const { rooms } = setUp()
    const room = rooms.hold('r')
    rooms.start(room, 'e', 3)
    rooms.start(room, 'f', 9)
    expect(room).toMatchObject({ epoch: 'e', offset: 3 })
  })

  it('has its clients subscribe anew in another epoch, and knows what it saw of that', () => {
    const { rooms, onGap, onForeignEpoch, published } = setUp()
    const room = rooms.hold('r')
    const member = subscriber()
    rooms.start(room, 'e', 0)
    rooms.join(room, member)
    offer(rooms, room, 1)
    offer(rooms, room, 2, 'f')
    expect(onForeignEpoch).toHaveBeenCalledExactlyOnceWith(room)
    rooms.reset(room, 'f', 1)
    expect(published).toEqual([1])
    expect(member.resubscribe).toHaveBeenCalledExactlyOnceWith('room:r')
    expect(room).toMatchObject({ epoch: 'f', offset: 1 })
    expect(onGap).toHaveBeenCalledExactlyOnceWith(room)
  })

  it('is followed for a while after its last subscriber left', () => {
    const { rooms, clock } = setUp()
    const room = rooms.hold('r')
    const member = subscriber()
    rooms.start(room, 'e', 0)
    rooms.join(room, member)
    rooms.release(room)
    clock.at = 1000
    rooms.sweep()
    expect(rooms.get('r')).toBe(room)
    rooms.leave(room, member)
    clock.at = 1099
    rooms.sweep()
    expect(rooms.get('r')).toBe(room)
    clock.at = 1100
    rooms.sweep()
    expect(rooms.get('r')).toBeUndefined()
    expect(rooms.size).toBe(0)
  })

  it('is forgotten at once when it never started', () => {
    const { rooms } = setUp()
    const room = rooms.hold('r')
    rooms.hold('r')
    rooms.release(room)
    expect(rooms.get('r')).toBe(room)
    rooms.release(room)
    expect(rooms.get('r')).toBeUndefined()
  })

  it('tells its clients when it is no more', () => {
    const { rooms } = setUp()
    const room = rooms.hold('r')
    const member = subscriber()
    rooms.start(room, 'e', 0)
    rooms.join(room, member)
    rooms.drop(room)
    expect(member.resubscribe).toHaveBeenCalledOnce()
    expect([...rooms.all()]).toEqual([])
  })

  it('gives up the quietest rings beyond the memory for all', () => {
    const { rooms } = setUp({ ringBytes: 120 })
    const [quiet, loud] = [rooms.hold('q'), rooms.hold('l')]
    for (const room of [quiet, loud]) {
      rooms.start(room, 'e', 0)
      offer(rooms, room, 1)
      offer(rooms, room, 2)
      rooms.flush()
    }
    expect(quiet.ring.entries.length).toBe(0)
    expect(loud.ring.entries.length).toBe(2)
    expect(rooms.ringBytes).toBe(loud.ring.bytes)
  })
})
