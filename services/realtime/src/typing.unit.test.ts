import { describe, expect, it } from 'vitest'
import { type Room, createRoom } from './rooms/room.ts'
import { createTyping } from './typing.ts'

const setUp = () => {
  const clock = { at: 100_000 }
  const log: string[] = []
  const room: Room = createRoom('r', 0)
  const typing = createTyping({
    rooms: { get: (roomId) => (roomId === 'r' ? room : undefined) },
    publish: (channel) => log.push(`publish ${channel}`),
    signal: ({ type }) => log.push(type),
    maxAudience: 3,
    now: () => clock.at,
  })
  const subscribe = (name: string, isSlow: boolean): void => {
    room.subscribers.add({
      resubscribe: () => undefined,
      isSlow: () => isSlow,
      pause: () => log.push(`pause ${name}`),
      listen: () => log.push(`listen ${name}`),
    })
  }
  const started = (sentAt = clock.at) => {
    typing.onStart({ roomId: 'r', userId: 'u', sentAt })
    return log.splice(0)
  }
  return { clock, log, typing, subscribe, started }
}

describe('typing', () => {
  it('passes slow connections by, and no others', () => {
    const { subscribe, started } = setUp()
    subscribe('quick', false)
    expect(started()).toEqual(['publish room:r'])
    subscribe('slow', true)
    expect(started()).toEqual(['pause slow', 'publish room:r', 'listen slow'])
  })

  it('is told to few, at once or not at all', () => {
    const { subscribe, started, clock, typing, log } = setUp()
    expect(started(clock.at - 6000)).toEqual([])
    typing.onStart({ roomId: 'another', userId: 'u', sentAt: clock.at })
    expect(log).toEqual([])
    for (const name of ['1', '2', '3']) subscribe(name, false)
    expect(started()).toEqual(['publish room:r'])
    subscribe('4', false)
    expect(started()).toEqual([])
  })

  it('is sent once a second of a member and a room', () => {
    const { typing, log, clock } = setUp()
    for (const [roomId, userId] of [
      ['r', 'u'],
      ['r', 'u'],
      ['r', 'v'],
      ['s', 'u'],
    ] as const)
      typing.start(roomId, userId)
    expect(log).toHaveLength(3)
    clock.at += 1000
    typing.start('r', 'u')
    expect(log).toHaveLength(4)
  })
})
