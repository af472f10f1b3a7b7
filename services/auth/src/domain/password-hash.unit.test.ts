import { describe, expect, it } from 'vitest'
import { isAcceptableHash, isCurrentHash } from './password-hash.ts'

const salted = 'c29tZXNhbHRzb21lc2FsdA$S+V2mYIdYBNBnxk6aHWdXzLFEpVDWfbwIxYrVLvnIzI'

describe('a password hash from elsewhere', () => {
  it.each([
    '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
    '$2a$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
    `$argon2id$v=19$m=65536,t=3,p=4$${salted}`,
    `$argon2i$v=19$m=4096,t=3,p=1$${salted}`,
  ])('is taken: %s', (hash) => {
    expect(isAcceptableHash(hash)).toBe(true)
    expect(isCurrentHash(hash)).toBe(false)
  })

  it.each([
    '',
    'correct horse battery',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
    '$2b$10$short',
    `$argon2id$v=19$m=4194304,t=3,p=4$${salted}`,
    `$argon2id$v=19$m=65536,t=100,p=4$${salted}`,
    `$argon2id$v=19$m=65536,t=0,p=4$${salted}`,
    `$argon2id$v=19$m=8,t=1,p=4$${salted}`,
    `$argon2id$v=16$m=65536,t=3,p=4$${salted}`,
  ])('is refused: %s', (hash) => {
    expect(isAcceptableHash(hash)).toBe(false)
  })

  it('is known from one that we would make today', () => {
    expect(isCurrentHash(`$argon2id$v=19$m=48128,t=1,p=1$${salted}`)).toBe(true)
  })
})
