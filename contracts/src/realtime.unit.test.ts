import { describe, expect, it } from 'vitest'
import { channels, parseChannel, roomPublication } from './realtime.ts'

const id = '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f'

describe('channels', () => {
  it('are parsed as they are built', () => {
    expect(parseChannel(channels.room(id))).toEqual({ kind: 'room', id })
    expect(parseChannel(channels.user(id))).toEqual({ kind: 'user', id })
  })

  it.each([
    '',
    'room',
    'room:',
    `room:${id.toUpperCase()}`,
    `room:${id} `,
    `room:${id}\n`,
    ` room:${id}`,
    `track:${id}`,
    `room:${id}:typing`,
    `room:${id.replaceAll('-', '')}`,
    `room:{${id}}`,
    'room:../../etc',
  ])('%j is none', (name) => {
    expect(parseChannel(name)).toBeUndefined()
  })
})

describe('a room publication', () => {
  it('is the event without what the channel says already, its time in ISO 8601', () => {
    const event = {
      roomId: id,
      epoch: 'k3Jd',
      offset: 12,
      messageId: id,
      senderId: id,
      clientMessageId: 'c-1',
      body: 'hi',
      postedAt: 1795391116555,
      messageNumber: 9,
    }
    expect(roomPublication(event)).toEqual({
      type: 'message.posted',
      messageId: id,
      messageNumber: 9,
      senderId: id,
      clientMessageId: 'c-1',
      body: 'hi',
      postedAt: '2026-11-22T23:45:16.555Z',
    })
  })
})
