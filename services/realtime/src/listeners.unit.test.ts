import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Hearing } from './adapters/tracks-api.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { reviewFollowers } from './review-followers.ts'

let now: number
let told: [string, number][]
let listeners: Listeners
beforeEach(() => {
  now = 1_000_000
  told = []
  listeners = createListeners({
    settings: { ttlMs: 30_000, everyMs: 2_000, maxCounted: 3 },
    publish(channel, pushes) {
      for (const push of pushes)
        if (push.type === 'published')
          told.push([channel, (JSON.parse(push.publication.data) as { listeners: number }).listeners])
    },
    now: () => now,
  })
})

const followerOf = (trackId: string) => ({ trackId, userId: 'somebody', expel: () => undefined })
const report = (listenerId: string, state = 'playing', trackId = 't') => {
  listeners.heard({ trackId, listenerId, state, reportedAt: now })
}
const tick = (ms: number) => {
  now += ms
  listeners.tick()
}

describe('who hears a track', () => {
  it('is counted once a person, and told when it changes, not more often than is due', () => {
    listeners.follow(followerOf('t'))
    report('ana')
    report('ana')
    report('ben')
    tick(0)
    report('cem')
    tick(500)
    expect(told).toEqual([['track:t', 2]])
    tick(1_500)
    tick(2_000)
    expect(told).toEqual([
      ['track:t', 2],
      ['track:t', 3],
    ])
    expect(listeners.current('t')).toBe('{"type":"listeners","listeners":3}')
  })

  it('is not counted any more after a pause, the end, or silence', () => {
    listeners.follow(followerOf('t'))
    for (const who of ['ana', 'ben', 'cem']) report(who)
    tick(0)
    report('ana', 'paused')
    report('ben', 'ended')
    tick(2_000)
    tick(29_000)
    expect(told.map(([, count]) => count)).toEqual([3, 1, 0])
  })

  it('is counted for followed tracks alone, and only so many', () => {
    report('ana')
    const [one, other] = [followerOf('t'), followerOf('t')]
    listeners.follow(one)
    listeners.follow(other)
    expect([...listeners.followers()]).toEqual([one, other])
    tick(0)
    expect(told).toEqual([])
    for (let n = 0; n < 10; n++) report(`listener-${n}`)
    tick(2_000)
    expect(told).toEqual([['track:t', 3]])
    listeners.unfollow(one)
    listeners.unfollow(one)
    expect(listeners.has('t')).toBe(true)
    listeners.unfollow(other)
    expect(listeners.has('t')).toBe(false)
    expect(listeners.current('t')).toBe('{"type":"listeners","listeners":0}')
  })
})

describe('followers', () => {
  it('are all reviewed, by questions that a body has room for, and expelled where they may not hear', async () => {
    const expelled: string[] = []
    const ids = Array.from({ length: 1_001 }, () => randomUUID())
    for (const trackId of ids)
      listeners.follow({ trackId, userId: randomUUID(), expel: () => expelled.push(trackId) })
    const questions: (readonly Hearing[])[] = []
    await reviewFollowers({
      listeners,
      mayHear(pairs) {
        questions.push(pairs)
        return Promise.resolve(pairs.map(({ trackId }) => trackId !== ids.at(-1)))
      },
      report(error) {
        throw error
      },
    })()
    expect(questions.flat().map(({ trackId }) => trackId)).toEqual(ids)
    for (const pairs of questions) expect(JSON.stringify({ pairs }).length).toBeLessThan(64 * 1024)
    expect(expelled).toEqual(ids.slice(-1))
  })
})
