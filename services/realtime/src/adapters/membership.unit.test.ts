import { describe, expect, it, vi } from 'vitest'
import { type Access, type Pair, maxPairs } from './chat-api.ts'
import { createMembership } from './membership.ts'

const answer = (pair: Pair, role: string | null = 'member'): Access => ({
  ...pair,
  exists: true,
  role,
  epoch: 'e',
  offset: 1,
})

const setUp = (answers: (pairs: readonly Pair[]) => Promise<readonly Access[]>) => {
  const clock = { at: 0 }
  const access = vi.fn(answers)
  const membership = createMembership({
    chat: { access },
    maxEntries: 10_000,
    freshMs: 5,
    staleMs: 50,
    now: () => clock.at,
  })
  return { clock, access, membership }
}

const all = (pairs: readonly Pair[]): Promise<Access[]> => Promise.resolve(pairs.map((pair) => answer(pair)))

describe('membership', () => {
  it('asks once for what is asked in one tick, and once more for what is asked meanwhile', async () => {
    const waiting: (() => void)[] = []
    const { access, membership } = setUp(async (pairs) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return all(pairs)
    })
    const first = [membership.ask('r1', 'u'), membership.ask('r2', 'u'), membership.ask('r1', 'u')]
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    // The request under way may have been answered already: this one needs its own.
    const second = [membership.ask('r1', 'u'), membership.ask('r3', 'u')]
    waiting[0]?.()
    await Promise.all(first)
    await vi.waitFor(() => {
      expect(waiting.length).toBe(2)
    })
    waiting[1]?.()
    await Promise.all(second)
    expect(access.mock.calls.map(([pairs]) => pairs.map(({ roomId }) => roomId))).toEqual([
      ['r1', 'r2'],
      ['r1', 'r3'],
    ])
  })

  it('never asks for more than chat takes', async () => {
    const { access, membership } = setUp(all)
    await Promise.all(Array.from({ length: maxPairs + 1 }, (_, index) => membership.ask(`r${index}`, 'u')))
    expect(access.mock.calls.map(([pairs]) => pairs.length)).toEqual([maxPairs, 1])
  })

  it('remembers members for a while, and longer for publishing, renewing what is old', async () => {
    const { access, clock, membership } = setUp(all)
    expect(membership.isMember('r', 'u')).toBe(false)
    expect(membership.mayPublish('r', 'u')).toBe(false)
    await membership.ask('r', 'u')
    clock.at = 5
    expect(membership.isMember('r', 'u')).toBe(true)
    expect(membership.mayPublish('r', 'u')).toBe(true)
    expect(access).toHaveBeenCalledTimes(1)
    clock.at = 6
    expect(membership.isMember('r', 'u')).toBe(false)
    expect(membership.mayPublish('r', 'u')).toBe(true)
    expect(membership.mayPublish('r', 'u')).toBe(true)
    await vi.waitFor(() => {
      expect(membership.isMember('r', 'u')).toBe(true)
    })
    expect(access).toHaveBeenCalledTimes(2)
    clock.at = 57
    expect(membership.mayPublish('r', 'u')).toBe(false)
  })

  it('renews in one request what has become old of many', async () => {
    const { access, clock, membership } = setUp(all)
    const rooms = Array.from({ length: 20 }, (_, index) => `r${index}`)
    await Promise.all(rooms.map((room) => membership.ask(room, 'u')))
    clock.at = 6
    for (const room of rooms) {
      expect(membership.mayPublish(room, 'u')).toBe(true)
      await Promise.resolve()
    }
    await vi.waitFor(() => {
      expect(rooms.every((room) => membership.isMember(room, 'u'))).toBe(true)
    })
    expect(access.mock.calls.map(([pairs]) => pairs.length)).toEqual([20, 20])
  })

  it('does not remember who is no member, and forgets who no longer is', async () => {
    let role: string | null = 'member'
    const { membership } = setUp((pairs) => Promise.resolve(pairs.map((pair) => answer(pair, role))))
    await membership.ask('r', 'u')
    role = null
    expect(await membership.ask('r', 'u')).toMatchObject({ role: null })
    expect(membership.isMember('r', 'u')).toBe(false)
  })

  it('tells everybody who asked that chat is away, and asks again the next time', async () => {
    let away = true
    const { clock, membership } = setUp((pairs) => (away ? Promise.reject(new Error('away')) : all(pairs)))
    const asked = [membership.ask('r', 'u'), membership.ask('r', 'u'), membership.ask('r2', 'u')]
    for (const one of asked) await expect(one).rejects.toThrow('away')
    away = false
    await membership.ask('r', 'u')
    away = true
    clock.at = 20
    expect(membership.mayPublish('r', 'u')).toBe(true)
    away = false
    await expect(membership.ask('r', 'u')).resolves.toMatchObject({ role: 'member' })
  })

  it('rejects when chat leaves somebody out', async () => {
    const { membership } = setUp(() => Promise.resolve([]))
    await expect(membership.ask('r', 'u')).rejects.toThrow('left a pair out')
  })

  it('asks again when somebody leaves while the answer is on its way, and remembers only the newer', async () => {
    const waiting: (() => void)[] = []
    const roles: (string | null)[] = ['member', null]
    const { access, membership } = setUp(async (pairs) => {
      const role = roles.shift() ?? null
      await new Promise<void>((resolve) => waiting.push(resolve))
      return pairs.map((pair) => answer(pair, pair.userId === 'u' ? role : 'member'))
    })
    const asked = Promise.all([membership.ask('r1', 'u'), membership.ask('r1', 'another')])
    await vi.waitFor(() => {
      expect(waiting.length).toBe(1)
    })
    membership.forget('r1', 'u')
    waiting[0]?.()
    await vi.waitFor(() => {
      expect(waiting.length).toBe(2)
    })
    waiting[1]?.()
    expect((await asked).map(({ role }) => role)).toEqual([null, 'member'])
    expect(access.mock.calls[1]).toEqual([[{ roomId: 'r1', userId: 'u' }]])
    expect([membership.isMember('r1', 'u'), membership.isMember('r1', 'another')]).toEqual([false, true])
  })
})
