import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealing, SealBroken } from './sealing.ts'

const seed = 20261122
const key = Buffer.alloc(32, 1)
const sealing = createSealing(key)
const place = { table: 'signing_keys', row: 'k1', column: 'private_key' }

const broken = (code: string) => expect.objectContaining({ name: 'SealBroken', code }) as unknown

describe('sealing', () => {
  it('opens what it sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (plain) => {
        expect(sealing.open(sealing.seal(plain, place), place)).toEqual(Buffer.from(plain))
      }),
      { seed },
    )
  })

  it('lays out version, key id, iv, ciphertext and tag, and never repeats an iv', () => {
    const [one, two] = [
      sealing.seal(Buffer.from('secret'), place),
      sealing.seal(Buffer.from('secret'), place),
    ]
    expect(one).toHaveLength(1 + 8 + 12 + 6 + 16)
    expect(one[0]).toBe(1)
    expect(one.subarray(1, 9)).toEqual(two.subarray(1, 9))
    expect(one.subarray(9, 21)).not.toEqual(two.subarray(9, 21))
    expect(one.includes('secret')).toBe(false)
  })

  it('says that another key is needed', () => {
    const other = createSealing(Buffer.alloc(32, 2))
    expect(() => other.open(sealing.seal(Buffer.from('x'), place), place)).toThrow(broken('other-key'))
  })

  it.each([
    { ...place, table: 'accounts' },
    { ...place, row: 'k2' },
    { ...place, column: 'public_key' },
  ])('does not open in another place: %j', (elsewhere) => {
    expect(() => sealing.open(sealing.seal(Buffer.from('x'), place), elsewhere)).toThrow(broken('damaged'))
  })

  it('does not open when any byte of it was changed or cut', () => {
    const sealed = sealing.seal(Buffer.from('secret'), place)
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => sealing.open(changed, place)).toThrow(SealBroken)
      expect(() => sealing.open(sealed.subarray(0, at), place)).toThrow(SealBroken)
    }
  })
})
