import { type Codec } from '@veza/contracts'
import { type Change, type Invalidator } from '@veza/kit/cache'
import { type ChunkControl, type OutgoingRecord } from '@veza/kit/kafka'
import { type Message } from '@veza/kit/worker'
import { expect, it, vi } from 'vitest'
import { type SourceTopic } from './changes.ts'
import { invalidate, type InvalidateDeps } from './invalidate.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const control = {} as ChunkControl

const happened = (
  stream: string,
  version: number,
  { ce_time, timestamp = now }: { ce_time?: string; timestamp?: number } = {},
) =>
  ({
    record: {
      timestamp,
      headers: {
        ce_subject: stream,
        ce_sequence: String(version),
        ...(ce_time !== undefined && { ce_time }),
      },
    },
    value: {},
  }) as unknown as Message<SourceTopic>

const setUp = (withRedis = true) => {
  const told: unknown[] = []
  const bury = vi.fn<Invalidator['bury']>(() => {
    expect(told).toEqual([])
    return Promise.resolve(false)
  })
  const deps = {
    codec: { encode: (_topic: unknown, _type: unknown, change: Change) => change } as unknown as Codec,
    producer: {
      sendAll: (records: readonly OutgoingRecord[]) => Promise.resolve(void told.push(...records)),
    },
    topic: { name: 'invalidations' },
    shared: withRedis ? { bury, renew: () => Promise.resolve() } : undefined,
    now: () => now,
  } as unknown as InvalidateDeps
  const take = async (...events: Message<SourceTopic>[]) =>
    (await invalidate(deps)(events, control)).map(({ kind }) => kind)
  return { told, bury, take }
}

it('tells of each entity once, by its newest version and since when it first changed, after burying it', async () => {
  const { told, bury, take } = setUp()
  const outcomes = await take(
    happened('track-t', 5, { ce_time: '2026-11-24T11:59:58Z' }),
    happened('track-t', 7, { ce_time: '2026-11-24T11:59:59Z' }),
    happened('track-t', 6),
    // Without a time of its own it is as old as its record.
    happened('user-u', 1, { ce_time: 'lately', timestamp: now - 1_000 }),
  )
  expect(outcomes).toEqual(['done', 'done', 'done', 'done'])
  const changes = [
    { tag: 'track:t', version: 7, changedAt: now - 2_000 },
    { tag: 'profile:u', version: 1, changedAt: now - 1_000 },
  ]
  expect(bury).toHaveBeenCalledExactlyOnceWith(changes)
  expect(told).toMatchObject(
    changes.map((change) => ({ topic: 'invalidations', key: change.tag, value: change })),
  )
})

it('tells the same where there is no Redis, and nothing of what nobody can have kept', async () => {
  const { told, take } = setUp(false)
  const outcomes = await take(
    happened('playlist-p', 2),
    happened('upload-x', 1),
    happened('track-t', 3, { timestamp: now - 600_001 }),
  )
  expect(outcomes).toEqual(['done', 'skip', 'skip'])
  expect(told).toMatchObject([{ key: 'playlist:p' }])
})
