import { expect, it, vi } from 'vitest'
import { openCaches, uncached } from './index.ts'

it('loads together what is asked for in one turn and not kept, as one reading of the database', async () => {
  const caches = openCaches({ loadsAtOnce: 1 })
  caches.told()
  const loadAll = vi.fn((ids: readonly string[]) =>
    Promise.resolve(new Map(ids.flatMap((id) => (id === 'nobody' ? [] : [[id, { version: 1, value: id }]])))),
  )
  const options = { name: 'many', loadAll, maxBytes: 1_000_000 }
  const cache = caches.open(options)
  const read = (...ids: string[]) => Promise.all(ids.map(async (id) => (await cache.read(id)).value))
  expect(await read('a', 'b', 'a', 'nobody')).toEqual(['a', 'b', 'a', undefined])
  expect(await read('b', 'c', 'nobody')).toEqual(['b', 'c', undefined])
  expect(loadAll.mock.calls).toEqual([[['a', 'b', 'nobody']], [['c']]])

  loadAll.mockRejectedValueOnce(new Error('away'))
  expect(await Promise.allSettled([cache.read('d'), cache.read('e')])).toMatchObject([
    { status: 'rejected' },
    { status: 'rejected' },
  ])
  expect(await read('d')).toEqual(['d'])

  const plain = uncached.open(options)
  loadAll.mockClear()
  await Promise.all([plain.read('a'), plain.read('b')])
  expect(loadAll.mock.calls).toEqual([[['a', 'b']]])
})
