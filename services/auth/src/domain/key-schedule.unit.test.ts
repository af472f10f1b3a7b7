import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dueChanges, type KeySchedule, type ScheduledKey, signingKeyAt } from './key-schedule.ts'

const seed = 20261124
const minute = 60_000
const schedule: KeySchedule = {
  periodMs: 60 * minute,
  publishedBeforeMs: 20 * minute,
  keptAfterMs: 15 * minute,
}
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 24) + minutes * minute)
const key = (kid: string, publishedAt: number, activeAt: number): ScheduledKey => ({
  kid,
  publishedAt: at(publishedAt),
  activeAt: at(activeAt),
})

describe('the schedule of signing keys', () => {
  it('asks for a first key that signs at once', () => {
    expect(dueChanges([], schedule, at(0))).toEqual({
      create: { publishedAt: at(0), activeAt: at(0) },
      retire: [],
    })
  })

  it('publishes the next key ahead of its use, and not before', () => {
    const first = key('first', 0, 0)
    expect(dueChanges([first], schedule, at(39)).create).toBeUndefined()
    expect(dueChanges([first], schedule, at(40)).create).toEqual({ publishedAt: at(40), activeAt: at(60) })
  })

  it('gives a key that is late its full time in public', () => {
    expect(dueChanges([key('first', 0, 0)], schedule, at(500)).create).toEqual({
      publishedAt: at(500),
      activeAt: at(520),
    })
  })

  it('asks for one next key only', () => {
    expect(dueChanges([key('first', 0, 0), key('second', 40, 60)], schedule, at(41)).create).toBeUndefined()
  })

  it('keeps a key for what it signed last, and no longer', () => {
    const keys = [key('first', 0, 0), key('second', 40, 60)]
    expect(dueChanges(keys, schedule, at(74)).retire).toEqual([])
    expect(dueChanges(keys, schedule, at(75)).retire).toEqual(['first'])
  })

  it('signs with the newest key that is active', () => {
    const keys = [key('first', 0, 0), key('second', 40, 60)]
    expect(signingKeyAt(keys, at(59))?.kid).toBe('first')
    expect(signingKeyAt(keys, at(60))?.kid).toBe('second')
    expect(signingKeyAt<ScheduledKey>([], at(60))).toBeUndefined()
  })

  it('signs with the first key although the clock is behind the one that made it', () => {
    expect(signingKeyAt([key('first', 0, 0)], at(-1))?.kid).toBe('first')
  })

  it('whenever anybody looks: one key signs, it was public long enough, and none goes before its tokens do', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 60 }), (steps) => {
        let keys: ScheduledKey[] = []
        let clock = 0
        let previous: { kid: string; at: number } | undefined
        for (const step of steps) {
          clock += step
          const { create, retire } = dueChanges(keys, schedule, at(clock))
          keys = keys.filter(({ kid }) => !retire.includes(kid))
          if (create) keys.push({ kid: `key ${clock} ${keys.length}`, ...create })
          const signing = signingKeyAt(keys, at(clock))
          expect(signing).toBeDefined()
          if (previous && signing && signing.kid !== previous.kid) {
            expect(clock - (signing.publishedAt.getTime() - at(0).getTime()) / minute).toBeGreaterThanOrEqual(
              20,
            )
          }
          // What was signed at the last look is still verified for the life of a token.
          if (previous && clock - previous.at < 15) expect(keys.map(({ kid }) => kid)).toContain(previous.kid)
          if (signing) previous = { kid: signing.kid, at: clock }
        }
      }),
      { seed },
    )
  })
})
