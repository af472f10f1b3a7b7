import { expect, it, vi } from 'vitest'
import { createAdmin } from './admin.ts'
import { type Client } from './client.ts'

const told = (type: string): Error => Object.assign(new Error(type), { type })

const createOn = (answers: object) =>
  createAdmin(() => {
    const admin = { connect: () => Promise.resolve(), ...answers }
    return { kafka: { admin: () => admin }, destroy: () => undefined } as unknown as Client
  })

const adminOf = (fetchTopicOffsets: () => Promise<unknown>) => createOn({ fetchTopicOffsets })

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

it('tells of every group by name, of each the topics by name that are there, and how far behind it is', async () => {
  const committed: Record<string, unknown> = {
    late: [
      { topic: 'b', partitions: [{ partition: 1, offset: '4' }] },
      { topic: 'a', partitions: [{ partition: 0, offset: '7' }] },
      { topic: 'deleted', partitions: [{ partition: 0, offset: '1' }] },
    ],
    idle: [],
  }
  const partitions = [
    { partition: 1, low: '2', high: '9' },
    { partition: 0, low: '0', high: '7' },
  ]
  const admin = createOn({
    listGroups: () => Promise.resolve({ groups: [{ groupId: 'late' }, { groupId: 'idle' }] }),
    describeGroups: () =>
      Promise.resolve({
        groups: [
          { groupId: 'late', state: 'Stable', members: [{}, {}] },
          { groupId: 'idle', state: 'Empty', members: [] },
        ],
      }),
    fetchOffsets: ({ groupId }: { groupId: string }) => Promise.resolve(committed[groupId]),
    listTopics: () => Promise.resolve(['a', 'b']),
    fetchTopicOffsets: () => Promise.resolve([...partitions]),
  })
  expect(await admin.groups()).toEqual([
    { group: 'idle', state: 'Empty', members: 0, topics: [] },
    {
      ...{ group: 'late', state: 'Stable', members: 2 },
      topics: [
        // Partition 1 has no commit: all that it holds is left to read.
        { topic: 'a', lag: 7 },
        { topic: 'b', lag: 12 },
      ],
    },
  ])
})
