import { expect, it, vi } from 'vitest'
import { gather } from './index.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Answers everybody but nobody with their own id. */
const asked = () =>
  vi.fn((ids: readonly string[]) =>
    Promise.resolve(new Map(ids.filter((id) => id !== 'nobody').map((id) => [id, `it is ${id}`]))),
  )

it('asks once for all that are asked for in one turn of the event loop, by whichever of its callbacks', async () => {
  const ask = asked()
  const read = gather(ask)
  const answers = [read('a'), read('nobody')]
  // A callback of its own, as each request is.
  await new Promise<void>((resolve) => {
    queueMicrotask(resolve)
  })
  answers.push(read('b'), read('a'))
  expect(ask).not.toHaveBeenCalled()
  expect(await Promise.all(answers)).toEqual(['it is a', undefined, 'it is b', 'it is a'])
  expect(ask.mock.calls).toEqual([[['a', 'nobody', 'b']]])
})

it('asks anew for whoever comes after the question was put', async () => {
  const ask = asked()
  const read = gather(ask)
  const first = read('a')
  await turn()
  expect(await read('a')).toBe('it is a')
  expect(await first).toBe('it is a')
  expect(ask).toHaveBeenCalledTimes(2)
})

it('puts no question of more than 200', async () => {
  const ask = asked()
  const read = gather(ask)
  const ids = Array.from({ length: 450 }, (_, n) => `${n}`)
  expect(await Promise.all(ids.map(read))).toEqual(ids.map((id) => `it is ${id}`))
  expect(ask.mock.calls.map(([of]) => of.length)).toEqual([200, 200, 50])
})

it('tells all who asked of a failure, and asks again for the next', async () => {
  const ask = asked()
  ask.mockRejectedValueOnce(new Error('away'))
  const read = gather(ask)
  expect(await Promise.allSettled([read('a'), read('b')])).toMatchObject([
    { status: 'rejected', reason: { message: 'away' } },
    { status: 'rejected', reason: { message: 'away' } },
  ])
  expect(await read('a')).toBe('it is a')
})
