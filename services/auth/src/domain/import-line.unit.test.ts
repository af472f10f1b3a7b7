import { describe, expect, it } from 'vitest'
import { importedUserId, parseImportLine } from './import-line.ts'

const now = new Date('2026-11-24T12:00:00Z')
const passwordHash = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
const line = { id: 42, email: 'Ana@Example.ORG', displayName: ' Ana ', passwordHash }
const parse = (change: object) => parseImportLine(JSON.stringify({ ...line, ...change }), now)

describe('a line of an import', () => {
  it('is read in our form', () => {
    expect(parse({})).toEqual({
      userId: importedUserId('42'),
      formerId: '42',
      email: 'ana@example.org',
      emailVerified: false,
      displayName: 'Ana',
      passwordHash,
      roles: [],
      registeredAt: now,
    })
    const full = { emailVerified: true, roles: ['admin'], registeredAt: '2020-02-29T00:00:00Z' }
    expect(parse({ ...full, passwordHash: null })).toMatchObject({
      ...{ emailVerified: true, roles: ['admin'], passwordHash: null },
      registeredAt: new Date(full.registeredAt),
    })
  })

  it.each([
    ['', 'no JSON object'],
    ['[]', 'no JSON object'],
    ['null', 'no JSON object'],
    ['{', 'no JSON object'],
    [`"${'x'.repeat(20_000)}"`, 'longer'],
  ])('is refused as a whole: %.10s', (text, reason) => {
    expect(parseImportLine(text, now)).toContain(reason)
  })

  it.each([
    [{ id: undefined }, 'id'],
    [{ id: '' }, 'id'],
    [{ id: 1.5 }, 'id'],
    [{ id: 'x'.repeat(101) }, 'id'],
    [{ email: 'nobody' }, 'email'],
    [{ email: 7 }, 'email'],
    [{ displayName: '\u0000' }, 'displayName'],
    [{ displayName: 7 }, 'displayName'],
    [{ passwordHash: 'correct horse battery' }, 'passwordHash'],
    [{ passwordHash: 7 }, 'passwordHash'],
    [{ emailVerified: 'yes' }, 'emailVerified'],
    [{ roles: ['root'] }, 'roles'],
    [{ roles: 'admin' }, 'roles'],
    [{ registeredAt: 'yesterday' }, 'registeredAt'],
    [{ registeredAt: '2030-01-01T00:00:00Z' }, 'registeredAt'],
  ])('is refused for %j, and none of it is repeated', (change, field) => {
    const problem = parse(change)
    expect(problem).toEqual(expect.stringMatching(new RegExp(`^${field}`)))
    expect(problem).not.toContain('correct horse')
  })
})

describe('the id of an imported account', () => {
  it('is the former one where that is a UUID, and else a function of it', () => {
    expect(importedUserId('0198C3A4-1B2C-7D3E-8F40-5A6B7C8D9E0F')).toBe(
      '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f',
    )
    expect(importedUserId('42')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(importedUserId('42')).toBe('370b21fe-ae58-5be1-bf30-3a5aa6945a34')
    expect(importedUserId('43')).not.toBe(importedUserId('42'))
  })
})
