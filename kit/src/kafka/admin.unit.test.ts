import { expect, it, vi } from 'vitest'
import { createAdmin } from './admin.ts'
import { type Client } from './client.ts'

const told = (type: string): Error => Object.assign(new Error(type), { type })

const adminOf = (fetchTopicOffsets: () => Promise<unknown>) =>
  createAdmin(() => {
    const admin = { connect: () => Promise.resolve(), fetchTopicOffsets }
    return { kafka: { admin: () => admin }, destroy: () => undefined } as unknown as Client
  })

it('asks again while a partition is between two leaders, as after the start of a broker', async () => {
  const ask = vi.fn<() => Promise<unknown>>()
  ask
    .mockRejectedValueOnce(told('NOT_LEADER_FOR_PARTITION'))
    .mockRejectedValueOnce(new Error('none', { cause: told('LEADER_NOT_AVAILABLE') }))
    .mockResolvedValue([{ partition: 0, offset: '7', low: '2', high: '7' }])
  expect(await adminOf(ask).offsetRanges('a')).toEqual([{ first: 2, end: 7 }])
  expect(ask).toHaveBeenCalledTimes(3)
})

it('says at once that there is no such topic', async () => {
  const ask = vi.fn(() => Promise.reject(told('UNKNOWN_TOPIC_OR_PARTITION')))
  await expect(adminOf(ask).offsetRanges('a')).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION')
  expect(ask).toHaveBeenCalledTimes(1)
})
