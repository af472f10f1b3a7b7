import { describe, expect, it } from 'vitest'
import { beginAnew } from './begin-anew.ts'
import { VersionConflict } from './errors.ts'

const failing = (error: Error, times: number) => {
  let calls = 0
  const work = () => (++calls <= times ? Promise.reject(error) : Promise.resolve(calls))
  return { work, calls: () => calls }
}
const coded = (code: string) => Object.assign(new Error(code), { code })

describe('work that another transaction got in the way of', () => {
  it.each([
    ['an append to the same stream', new VersionConflict('a', 1, 2)],
    ['a later transaction of the same key', coded('40001')],
    ['a deadlock', coded('40P01')],
  ])('is begun anew after %s, as often as allowed', async (_, error) => {
    expect(await beginAnew(3, failing(error, 2).work)).toBe(3)
    const hopeless = failing(error, 9)
    await expect(beginAnew(3, hopeless.work)).rejects.toBe(error)
    expect(hopeless.calls()).toBe(3)
  })

  it('is not begun anew after anything else', async () => {
    const { work, calls } = failing(coded('23505'), 9)
    await expect(beginAnew(3, work)).rejects.toThrow('23505')
    expect(calls()).toBe(1)
  })
})
