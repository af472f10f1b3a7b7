import { describe, expect, it } from 'vitest'
import { changeOf } from './changes.ts'

type Event = Parameters<typeof changeOf>[0]

const event = (stream: string, version: number, value: object = {}): Event => ({
  record: {
    headers: { ce_subject: stream, ce_sequence: String(version) },
  } as unknown as Event['record'],
  value: value as Event['value'],
})

describe('what an event makes old', () => {
  it.each([
    ['user-a', 'profile:a'],
    ['pair-a.b', 'pair:a.b'],
    ['track-t', 'track:t'],
    ['playlist-p', 'playlist:p'],
  ])('of %s is %s', (stream, tag) => {
    expect(changeOf(event(stream, 7))).toEqual({ tag, version: 7 })
  })

  it('of a room is what the person that it is about is in it, and nothing where it is about nobody', () => {
    expect(changeOf(event('room-r', 3, { roomId: 'r', userId: 'u' }))).toEqual({
      ...{ tag: 'membership:r/u', version: 3 },
    })
    expect(changeOf(event('room-r', 4, { roomId: 'r', words: [] }))).toBeUndefined()
  })

  it('is nothing without a place, and of streams that nobody keeps', () => {
    expect(changeOf(event('', 0))).toBeUndefined()
    expect(changeOf(event('upload-x', 1))).toBeUndefined()
  })
})
