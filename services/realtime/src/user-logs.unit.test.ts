import { createLog } from '@veza/kit/log'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Position } from './protocol/commands.ts'
import { type SubscribeResult } from './protocol/replies.ts'
import { createUserLogs, type StoredUserLog, type UserEvent, type UserLogsOptions } from './user-logs.ts'

const event = (offset: number, roomOffset: number | null = null): UserEvent => ({
  ...{ offset, roomOffset },
  data: `{"n":${offset}}`,
  roomId: 'room',
})

/** A store with one user's log, whose answers a test may hold back. */
const setUp = (overrides: Partial<UserLogsOptions> = {}) => {
  const stored = { epoch: 'e', events: [] as UserEvent[] }
  const published: number[] = []
  const questions: (number | null)[] = []
  const disconnect = vi.fn<UserLogsOptions['disconnect']>()
  let hold: Promise<void> | undefined
  const userLogs = async (
    positions: readonly { userId: string; after: number | null }[],
  ): Promise<StoredUserLog[]> => {
    questions.push(...positions.map(({ after }) => after))
    const answer = positions.map(({ userId, after }) => {
      const missed = after === null ? [] : stored.events.slice(after)
      const events = missed.length > 500 ? [] : missed
      return { userId, epoch: stored.epoch, offset: stored.events.length, events }
    })
    await hold
    return answer
  }
  const logs = createUserLogs({
    source: { userLogs },
    lead: () => undefined,
    publish: (_, pushes) => {
      for (const push of pushes) if (push.type === 'published') published.push(push.publication.offset)
    },
    disconnect,
    log: createLog('test', 'silent'),
    ...overrides,
  })
  close = () => {
    logs.close()
  }
  const store = (count: number, roomOffset: number | null = null) => {
    for (let n = 0; n < count; n++) stored.events.push(event(stored.events.length + 1, roomOffset))
  }
  const offer = (...offsets: number[]) => {
    for (const offset of offsets) logs.offer('u', stored.epoch, stored.events[offset - 1] ?? event(offset))
  }
  const enter = async (since?: Position): Promise<SubscribeResult> => {
    let result: SubscribeResult | undefined
    await logs.enter('u', since, (subscription) => (result = subscription))
    if (result === undefined) throw new Error('left before it was answered')
    return result
  }
  return {
    ...{ logs, stored, published, questions, disconnect, store, offer, enter },
    holdAnswers: () => {
      let release = (): void => undefined
      hold = new Promise((resolve) => (release = resolve))
      return () => {
        release()
        hold = undefined
      }
    },
  }
}

/** Until all that is settled by now has been seen. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

let close: () => void = () => undefined
afterEach(() => {
  close()
})

const offsets = ({ publications }: SubscribeResult) => publications.map(({ offset }) => offset)

describe('a connecting client', () => {
  it('is told where the log stands, and what it missed since a position, exactly', async () => {
    const { store, enter } = setUp()
    store(5)
    expect(await enter()).toMatchObject({ position: { epoch: 'e', offset: 5 }, wasRecovering: false })
    const back = await enter({ epoch: 'e', offset: 3 })
    expect(back).toMatchObject({ position: { epoch: 'e', offset: 3 }, wasRecovering: true, recovered: true })
    expect(offsets(back)).toEqual([4, 5])
    expect(await enter({ epoch: 'e', offset: 5 })).toMatchObject({ recovered: true, publications: [] })
  })

  it('is not recovered from another log, from ahead of it, or over more than 300', async () => {
    const { store, enter } = setUp()
    store(301)
    for (const since of [
      { epoch: 'other', offset: 300 },
      { epoch: 'e', offset: 302 },
      { epoch: 'e', offset: 0 },
    ])
      expect(await enter(since)).toMatchObject({
        position: { epoch: 'e', offset: 301 },
        wasRecovering: true,
        recovered: false,
        publications: [],
      })
    expect(offsets(await enter({ epoch: 'e', offset: 1 }))).toHaveLength(300)
  })

  it('misses nothing and gets nothing twice of what happens while chat is asked', async () => {
    const { store, enter, offer, published, holdAnswers } = setUp()
    store(2)
    const answer = holdAnswers()
    const entering = enter({ epoch: 'e', offset: 1 })
    // The question is on its way: chat answered as of 2.
    await Promise.resolve()
    store(2)
    offer(2, 3, 4)
    answer()
    expect(offsets(await entering)).toEqual([2])
    expect(published).toEqual([3, 4])
  })

  it('has those who were connected already catch up first, and is not sent that twice', async () => {
    const { store, enter, offer, published } = setUp()
    await enter()
    store(3)
    expect(offsets(await enter({ epoch: 'e', offset: 1 }))).toEqual([2, 3])
    expect(published).toEqual([1, 2, 3])
    offer(1, 2, 3)
    expect(published).toEqual([1, 2, 3])
  })

  it('does not spoil it for others by a position that is too far back', async () => {
    const { store, enter, published, disconnect } = setUp()
    store(600)
    await enter()
    store(1)
    expect(await enter({ epoch: 'e', offset: 2 })).toMatchObject({ recovered: false })
    expect(published).toEqual([601])
    expect(disconnect).not.toHaveBeenCalled()
  })

  it('is refused when chat can’t be asked, and others go on with what Kafka brings', async () => {
    let failing = false
    const { logs, stored, enter, offer, published } = setUp({
      source: {
        userLogs: (positions) =>
          failing
            ? Promise.reject(new Error('chat is away'))
            : Promise.resolve(positions.map(({ userId }) => ({ userId, epoch: 'e', offset: 0, events: [] }))),
      },
    })
    await enter()
    failing = true
    await expect(enter()).rejects.toThrow('chat is away')
    logs.leave('u')
    stored.events.push(event(1))
    offer(1)
    expect(published).toEqual([1])
  })
})

describe('what Kafka brings', () => {
  it('is published in order, once, and a gap is filled by chat', async () => {
    const { store, enter, offer, published, questions } = setUp()
    await enter()
    store(5)
    offer(1, 1, 3, 2)
    expect(published).toEqual([1, 2, 3])
    expect(questions).toEqual([null])
    offer(5)
    await vi.waitFor(() => {
      expect(published).toEqual([1, 2, 3, 4, 5])
    })
    expect(questions).toEqual([null, 3])
  })

  it('is of nobody who is not connected', async () => {
    const { logs, store, enter, offer, published } = setUp()
    store(1)
    offer(1)
    expect(logs.has('u')).toBe(false)
    await enter()
    logs.leave('u')
    store(1)
    offer(2)
    expect(published).toEqual([])
    logs.leave('u')
  })

  it('comes behind the message that it is about', async () => {
    const arrived: (() => void)[] = []
    const { store, enter, offer, published } = setUp({
      lead: (_, offset) => (offset === 9 ? new Promise((resolve) => arrived.push(resolve)) : undefined),
    })
    await enter()
    store(1, 3)
    store(1, 9)
    store(1, 4)
    offer(1, 2, 3)
    expect(published).toEqual([1])
    arrived[0]?.()
    await vi.waitFor(() => {
      expect(published).toEqual([1, 2, 3])
    })
  })

  it('is told once, when chat is asked while its message is waited for', async () => {
    const arrived: (() => void)[] = []
    const { logs, store, enter, offer, published, holdAnswers } = setUp({
      lead: () => (arrived.length === 0 ? new Promise((resolve) => arrived.push(resolve)) : undefined),
    })
    await enter()
    store(1, 9)
    offer(1)
    // Somebody else connects meanwhile, so chat brings it too.
    await enter()
    expect(published).toEqual([1])
    store(1)
    offer(2)
    // Chat is being asked when the message comes.
    const answer = holdAnswers()
    logs.doubt()
    await turn()
    arrived[0]?.()
    await turn()
    store(1)
    offer(3)
    expect(published).toEqual([1])
    answer()
    await vi.waitFor(() => {
      expect(published).toEqual([1, 2, 3])
    })
  })

  it('is told though its message can’t be fetched', async () => {
    const { store, enter, offer, published } = setUp({ lead: () => Promise.reject(new Error('away')) })
    await enter()
    store(2, 1)
    offer(1, 2)
    await vi.waitFor(() => {
      expect(published).toEqual([1, 2])
    })
  })

  it('beyond what chat has stored is none of this log’s', async () => {
    const { store, enter, offer, published, questions } = setUp()
    await enter()
    offer(7)
    await vi.waitFor(() => {
      expect(questions).toEqual([null, 0])
    })
    store(1)
    offer(1)
    expect(published).toEqual([1])
  })

  it('of a log that was replaced has the connections come back', async () => {
    const { logs, stored, store, enter, offer, disconnect } = setUp()
    store(3)
    await enter()
    stored.epoch = 'restored'
    stored.events.length = 1
    offer(1)
    await vi.waitFor(() => {
      expect(disconnect).toHaveBeenCalledWith('u', { code: 3010, reason: 'insufficient state' })
    })
    logs.leave('u')
  })
})

it('asks chat in doubt, and publishes what did not come', async () => {
  const { logs, store, enter, published } = setUp()
  await enter()
  store(2)
  logs.doubt()
  await vi.waitFor(() => {
    expect(published).toEqual([1, 2])
  })
})
