import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Account,
  type AccountCommand,
  type AccountEvent,
  decideAccount,
  evolveAccount,
  noAccount,
  roles,
} from './account.ts'
import { scopesOf } from './scopes.ts'
import { decideRevocation, evolveSession, type SessionEvent } from './session.ts'

const seed = 20261124
const userId = '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f'
const at = new Date(1_795_391_116_555)
const register: AccountCommand = {
  type: 'register',
  userId,
  at,
  displayName: 'Ana',
  email: Buffer.of(1),
  emailVerified: false,
  method: 'password',
  formerId: null,
}
const fold = (events: readonly AccountEvent[]): Account => events.reduce(evolveAccount, noAccount)
const given = (...commands: AccountCommand[]): AccountEvent[] =>
  commands.reduce<AccountEvent[]>(
    (events, command) => [...events, ...decideAccount(command, fold(events))],
    [],
  )

describe('an account', () => {
  it('is registered once', () => {
    expect(given(register)).toEqual([{ ...register, type: 'registered' }])
    expect(given(register, register)).toHaveLength(1)
  })

  it('has its address verified once', () => {
    const events = given(register, { type: 'verify-email', userId, at }, { type: 'verify-email', userId, at })
    expect(events.map(({ type }) => type)).toEqual(['registered', 'email-verified'])
    expect(fold(events).emailVerified).toBe(true)
    expect(given({ ...register, emailVerified: true }, { type: 'verify-email', userId, at })).toHaveLength(1)
  })

  it('is told of each new password, and never which', () => {
    const change: AccountCommand = { type: 'change-password', reason: 'changed', userId, at }
    expect(given(register, change, change).slice(1)).toEqual([
      { type: 'password-changed', reason: 'changed', userId, at },
      { type: 'password-changed', reason: 'changed', userId, at },
    ])
  })

  it('has roles in one order, and is not told of those that it has', () => {
    const change = (...wanted: ('admin' | 'moderator')[]): AccountCommand => ({
      type: 'change-roles',
      roles: wanted,
      changedBy: 'operator',
      userId,
      at,
    })
    const events = given(register, change('admin', 'moderator', 'admin'), change('moderator', 'admin'))
    expect(events).toHaveLength(2)
    expect(fold(events).roles).toEqual(['moderator', 'admin'])
    expect(fold(given(register, change('admin'), change())).roles).toEqual([])
  })

  it('is linked to identities elsewhere', () => {
    const link: AccountCommand = {
      type: 'link-identity',
      issuer: 'https://id',
      subject: Buffer.of(2),
      userId,
      at,
    }
    expect(given(register, link).at(-1)).toEqual({ ...link, type: 'identity-linked' })
  })

  it('that is not there, or was erased, takes no command', () => {
    const commands: AccountCommand[] = [
      { type: 'verify-email', userId, at },
      { type: 'change-password', reason: 'reset', userId, at },
      { type: 'link-identity', issuer: 'https://id', subject: Buffer.of(2), userId, at },
      { type: 'change-roles', roles: ['admin'], changedBy: 'operator', userId, at },
    ]
    for (const command of commands) {
      expect(() => given(command)).toThrow('no-such-account')
      expect(() => given(register, { type: 'erase', userId, at }, command)).toThrow('no-such-account')
    }
  })

  it('is erased once, keeps no role, and does not come back', () => {
    const erase: AccountCommand = { type: 'erase', userId, at }
    const admin: AccountCommand = {
      type: 'change-roles',
      roles: ['admin'],
      changedBy: 'operator',
      userId,
      at,
    }
    const events = given(register, admin, erase, erase, register)
    expect(events.map(({ type }) => type)).toEqual(['registered', 'roles-changed', 'erased'])
    expect(fold(events)).toMatchObject({ status: 'erased', roles: [] })
    expect(given(erase)).toEqual([])
  })
})

describe('scopes', () => {
  it('of more roles are never fewer', () => {
    fc.assert(
      fc.property(fc.subarray([...roles]), fc.subarray([...roles]), (some, more) => {
        expect(scopesOf([...some, ...more])).toEqual(expect.arrayContaining(scopesOf(some)))
      }),
      { seed },
    )
    expect(scopesOf([])).toEqual(['account', 'chat', 'tracks'])
    expect(scopesOf(['admin'])).toContain('audit:read')
    expect(scopesOf(['moderator'])).not.toContain('roles:write')
  })
})

describe('a session', () => {
  const command = {
    sessionId: 'b5b1c5a0-0000-4000-8000-000000000000',
    userId,
    reason: 'signed-out',
    at,
  } as const
  const started: SessionEvent = {
    ...command,
    type: 'started',
    method: 'password',
    address: null,
    client: null,
  }

  it('ends once, and only if it began', () => {
    const active = evolveSession('none', started)
    const ended = decideRevocation(command, active)
    expect(ended).toEqual([{ type: 'revoked', ...command }])
    expect(decideRevocation(command, ended.reduce(evolveSession, active))).toEqual([])
    expect(decideRevocation(command, 'none')).toEqual([])
  })
})
