import { describe, expect, it } from 'vitest'
import { type AccountEvent } from '../domain/account.ts'
import { type SessionEvent } from '../domain/session.ts'
import { accountEvents, accountRecord, sessionEvents, sessionRecord } from './publish.ts'

const userId = '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f'
const sessionId = '0198c3a4-9c1d-7e4f-8a60-1b2c3d4e5f60'
const at = new Date(1_795_391_116_555)
const sealed = Buffer.of(1, 2, 3)

const accounts: AccountEvent[] = [
  {
    ...{ type: 'registered', userId, at, displayName: sealed, email: sealed },
    ...{ emailVerified: true, method: 'import', formerId: '42' },
  },
  { type: 'email-verified', userId, at },
  { type: 'password-changed', userId, at, reason: 'reset' },
  { type: 'identity-linked', userId, at, issuer: 'https://id.example.org', subject: sealed },
  { type: 'roles-changed', userId, at, roles: ['moderator', 'admin'], changedBy: 'operator' },
  { type: 'erased', userId, at },
]
const sessions: SessionEvent[] = [
  { type: 'started', userId, sessionId, at, method: 'password', address: sealed, client: null },
  { type: 'started', userId, sessionId, at, method: 'oidc', address: null, client: sealed },
  { type: 'revoked', userId, sessionId, at, reason: 'signed-out' },
]

describe('what is published', () => {
  it.each(accounts)('of an account: $type comes back as it was', (event) => {
    expect(accountEvents([accountRecord(event)])).toEqual([event])
    expect(sessionEvents([accountRecord(event)])).toEqual([])
  })

  it('of an account before names were sealed comes back with its name', () => {
    const [first] = accounts
    if (first?.type !== 'registered') throw new Error('not the registration')
    const former: AccountEvent = { ...first, displayName: 'Ana' }
    expect(accountEvents([accountRecord(former)])).toEqual([former])
  })

  it.each(sessions)('of a session: $type comes back as it was', (event) => {
    expect(sessionEvents([sessionRecord(event)])).toEqual([event])
    expect(accountEvents([sessionRecord(event)])).toEqual([])
  })
})
