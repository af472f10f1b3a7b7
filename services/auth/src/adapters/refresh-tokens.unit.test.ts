import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRefreshTokens } from './refresh-tokens.ts'

const seed = 20261122
const tokens = createRefreshTokens(Buffer.alloc(32, 1))

describe('refresh tokens', () => {
  it('are read back as they were made', () => {
    fc.assert(
      fc.property(fc.uuid(), (sessionId) => {
        const first = tokens.first(sessionId)
        const second = tokens.successor(first)
        expect(first).toMatchObject({ sessionId, generation: 0, isGenuine: true })
        expect(second).toMatchObject({ sessionId, generation: 1, isGenuine: true })
        expect(tokens.parse(first.text)).toEqual(first)
        expect(tokens.parse(second.text)).toEqual(second)
      }),
      { seed },
    )
  })

  it('have one successor each, whichever process computes it', () => {
    const first = tokens.first(randomUUID())
    const elsewhere = createRefreshTokens(Buffer.alloc(32, 1))
    expect(elsewhere.successor(first)).toEqual(tokens.successor(first))
    expect(tokens.successor(tokens.successor(first)).hash).not.toEqual(tokens.successor(first).hash)
  })

  it('of one session differ from the start', () => {
    const sessionId = randomUUID()
    expect(tokens.first(sessionId).text).not.toBe(tokens.first(sessionId).text)
  })

  it('give no successor and no tag to whoever lacks the key', () => {
    const first = tokens.first(randomUUID())
    const stranger = createRefreshTokens(Buffer.alloc(32, 2))
    expect(stranger.successor(first).hash).not.toEqual(tokens.successor(first).hash)
    expect(stranger.parse(first.text)).toMatchObject({ isGenuine: false, hash: first.hash })
  })

  it('are not genuine once any byte was changed', () => {
    const bytes = Buffer.from(tokens.first(randomUUID()).text, 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(tokens.parse(changed.toString('base64url'))).toMatchObject({ isGenuine: false })
    }
  })

  it('have one spelling', () => {
    const { text } = tokens.first(randomUUID())
    for (const other of [
      '',
      'x',
      `${text}=`,
      ` ${text}`,
      `${text}A`,
      text.slice(1),
      `${text.slice(0, 40)}\n${text.slice(40)}`,
    ])
      expect(tokens.parse(other)).toBeUndefined()
  })
})
