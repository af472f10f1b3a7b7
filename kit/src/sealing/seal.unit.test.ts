import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyIdOf, openWith, SealBroken, sealOverheadBytes, sealWith } from './seal.ts'

const seed = 20261124
const key = createSecretKey(Buffer.alloc(32, 1))
const keyId = '6f9619ff-8b86-4011-b42d-00c04fc964ff'
const place = { table: 'profiles', row: 'u1', column: 'phone' }
const seal = (text: string) => sealWith(key, keyId, Buffer.from(text), place)

const broken = (code: string) => expect.objectContaining({ name: 'SealBroken', code }) as unknown

describe('a sealed value', () => {
  it('opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (plain) => {
        expect(openWith(key, sealWith(key, keyId, plain, place), place)).toEqual(Buffer.from(plain))
      }),
      { seed },
    )
  })

  it('has version, key id, iv, ciphertext and tag, and never the same iv', () => {
    const [one, two] = [seal('secret'), seal('secret')]
    expect(one).toHaveLength(1 + 16 + 12 + 6 + 16)
    expect(one).toHaveLength(sealOverheadBytes + 6)
    expect(one[0]).toBe(1)
    expect(one.subarray(1, 17).toString('hex')).toBe(keyId.replaceAll('-', ''))
    expect(keyIdOf(one)).toBe(keyId)
    expect(one.subarray(17, 29)).not.toEqual(two.subarray(17, 29))
    expect(one.includes('secret')).toBe(false)
  })

  it.each([
    { ...place, table: 'settings' },
    { ...place, row: 'u2' },
    { ...place, column: 'email' },
  ])('does not open in another place: %j', (elsewhere) => {
    expect(() => openWith(key, seal('x'), elsewhere)).toThrow(broken('damaged'))
  })

  it('does not open under another key', () => {
    expect(() => openWith(createSecretKey(Buffer.alloc(32, 2)), seal('x'), place)).toThrow(broken('damaged'))
  })

  it('does not open when anything after its key id was changed, or when it was cut', () => {
    const sealed = seal('secret')
    for (let at = 17; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => openWith(key, changed, place)).toThrow(SealBroken)
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => openWith(key, sealed.subarray(0, length), place)).toThrow(SealBroken)
  })

  it('tells no key when it is none', () => {
    expect(() => keyIdOf(Buffer.alloc(10))).toThrow(broken('damaged'))
    expect(() => keyIdOf(Buffer.concat([Buffer.of(2), seal('x').subarray(1)]))).toThrow(broken('damaged'))
  })
})
