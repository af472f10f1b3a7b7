import { describe, expect, it, vi } from 'vitest'
import { createLastSeenWriter, type Seen } from './last-seen.ts'

const start = (connected: Set<string> = new Set()) => {
  const clock = { at: 0 }
  const written: (readonly Seen[])[] = []
  const store = { isAway: false }
  const report = vi.fn()
  const writer = createLastSeenWriter({
    write: (seen) => {
      if (store.isAway) return Promise.reject(new Error('away'))
      written.push(seen)
      return Promise.resolve()
    },
    connected: () => connected,
    intervalMs: 300_000,
    report,
    now: () => clock.at,
  })
  /** Lets a second pass, and what it brings be written. */
  const pass = async (seconds = 1) => {
    for (let second = 0; second < seconds; second++) {
      clock.at += 1000
      writer.tick()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, written, store, report, writer, pass }
}

describe('when somebody was last seen', () => {
  it('is written once they left, together with who else did, and not again', async () => {
    const { written, writer, pass, clock } = start()
    clock.at = 100
    writer.left('ann')
    clock.at = 200
    writer.left('bob')
    writer.left('ann')
    await pass(3)
    expect(written).toEqual([
      [
        { userId: 'bob', at: 200 },
        { userId: 'ann', at: 200 },
      ],
    ])
  })

  it('is written of those who stay each interval, and not in between', async () => {
    const { written, pass } = start(new Set(['ann', 'bob']))
    await pass(299)
    expect(written).toEqual([])
    await pass(301)
    expect(written.map((seen) => seen.map(({ userId, at }) => [userId, at]))).toEqual([
      [
        ['ann', 300_000],
        ['bob', 300_000],
      ],
      [
        ['ann', 600_000],
        ['bob', 600_000],
      ],
    ])
  })

  it('goes in writes of bounded size, one after the other', async () => {
    const { written, pass } = start(new Set(Array.from({ length: 1_200 }, (_, n) => `user ${n}`)))
    await pass(301)
    expect(written.map((seen) => seen.length)).toEqual([500, 500])
    await pass(1)
    expect(written.map((seen) => seen.length)).toEqual([500, 500, 200])
  })

  it('is kept while the store is away, the newest of each', async () => {
    const { written, store, report, writer, pass, clock } = start()
    store.isAway = true
    writer.left('ann')
    await pass(2)
    expect(report).toHaveBeenCalledTimes(2)
    writer.left('ann')
    const { at } = clock
    store.isAway = false
    await pass(2)
    expect(written).toEqual([[{ userId: 'ann', at }]])
  })

  it('is kept when somebody comes and goes while it is being written', async () => {
    const { written, writer, pass, clock } = start()
    writer.left('ann')
    clock.at = 1_000
    writer.tick()
    clock.at = 1_500
    writer.left('ann')
    await pass(1)
    await pass(1)
    expect(written).toEqual([[{ userId: 'ann', at: 0 }], [{ userId: 'ann', at: 1_500 }]])
  })

  it('is written whole at the end, of who is still connected too; with the store away it ends all the same', async () => {
    const connected = new Set(Array.from({ length: 700 }, (_, n) => `user ${n}`))
    const { written, writer, store, clock } = start(connected)
    clock.at = 5_000
    writer.left('ann')
    await writer.close()
    expect(written.flat()).toHaveLength(701)
    const other = start(connected)
    other.store.isAway = true
    await other.writer.close()
    expect(other.report).toHaveBeenCalledTimes(1)
    expect(store.isAway).toBe(false)
  })
})
