import { expect, it, vi } from 'vitest'
import { gathering } from './gather.ts'

it('asks once for all of a turn, in questions that are not too long, and again for what comes later', async () => {
  const ask = vi.fn((ids: readonly string[]) =>
    Promise.resolve(new Map(ids.filter((id) => id !== 'gone').map((id) => [id, id.toUpperCase()]))),
  )
  const one = gathering(3, ask)
  const all = (...ids: string[]) => Promise.all(ids.map(one))
  expect(await all('a', 'b', 'a', 'gone', 'c')).toEqual(['A', 'B', 'A', undefined, 'C'])
  expect(await all('d')).toEqual(['D'])
  expect(ask.mock.calls).toEqual([[['a', 'b', 'gone']], [['c']], [['d']]])
})

it('fails for those alone that were asked for together', async () => {
  const ask = vi.fn(() => Promise.resolve(new Map([['c', 'C']])))
  const one = gathering(2, ask)
  ask.mockRejectedValueOnce(new Error('away'))
  const settled = await Promise.allSettled(['a', 'b', 'c'].map(one))
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})
