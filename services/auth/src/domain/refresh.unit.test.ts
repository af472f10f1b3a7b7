import { describe, expect, it } from 'vitest'
import { decideRefresh, reuseGraceMs, type PresentedToken, type RefreshFamily } from './refresh.ts'

const rotatedAt = new Date('2026-11-22T12:00:00Z')
const after = (ms: number) => new Date(rotatedAt.getTime() + ms)
const family: RefreshFamily = { generation: 5, rotatedAt, expiresAt: after(3_600_000), revokedAt: null }
const newest: PresentedToken = { generation: 5, isNewest: true, isGenuine: true }
const previous: PresentedToken = { generation: 4, isNewest: false, isGenuine: true }
const older: PresentedToken = { generation: 3, isNewest: false, isGenuine: true }

describe('presenting a refresh token', () => {
  it('rotates the newest', () => {
    expect(decideRefresh(newest, family, after(1))).toBe('rotate')
  })

  it('rotates the newest when its tag is of a former key: its hash is proof enough', () => {
    expect(decideRefresh({ ...newest, isGenuine: false }, family, after(1))).toBe('rotate')
  })

  it('repeats the successor of the one before within the grace, and revokes after it', () => {
    expect(decideRefresh(previous, family, after(0))).toBe('repeat')
    expect(decideRefresh(previous, family, after(reuseGraceMs))).toBe('repeat')
    expect(decideRefresh(previous, family, after(reuseGraceMs + 1))).toBe('revoke')
  })

  it('revokes for an older one at any time: whoever holds it has seen two exchanges go by', () => {
    expect(decideRefresh(older, family, after(1))).toBe('revoke')
  })

  it('refuses what was guessed, without harm to the session whose id was known', () => {
    expect(decideRefresh({ ...previous, isGenuine: false }, family, after(1))).toBe('refuse')
    expect(decideRefresh({ ...older, isGenuine: false }, family, after(1))).toBe('refuse')
  })

  it('refuses a generation that a restore from backup took away, without harm to the session', () => {
    expect(decideRefresh({ generation: 6, isNewest: false, isGenuine: true }, family, after(1))).toBe(
      'refuse',
    )
    expect(decideRefresh({ generation: 5, isNewest: false, isGenuine: true }, family, after(1))).toBe(
      'refuse',
    )
  })

  it.each([
    ['expired', { ...family, expiresAt: after(10) }],
    ['revoked', { ...family, revokedAt: after(5) }],
  ])('refuses every token of an %s family', (_, ended) => {
    for (const token of [newest, previous, older])
      expect(decideRefresh(token, ended, after(10))).toBe('refuse')
  })
})
