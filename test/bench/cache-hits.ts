import { openCaches } from '@veza/kit/cache'
import { seeded } from '../support/random.ts'

const entities = 10_000
const readsOfRound = 1_000_000
const rounds = 7

/**
 * Reads that this process answers from what it holds, each awaited before the next, as a request awaits it. No part of it
 * is another process's.
 *
 * @returns reads a second: of rounds the middle one
 */
export const measureHits = async (): Promise<number> => {
  const caches = openCaches()
  const cache = caches.open({
    name: 'track',
    maxBytes: 64 * 1024 ** 2,
    load: (id) => Promise.resolve({ version: 1, value: { id, title: `track ${id}` } }),
  })
  const random = seeded(7)
  const ids = Array.from(
    { length: entities },
    (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  )
  const order = Array.from({ length: 2 ** 16 }, () => ids[Math.floor(random() * entities)] ?? '')
  for (const id of ids) await cache.read(id)
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    // As the worker that tells of changes does every second: what nobody vouches for is kept for a second only.
    caches.told()
    const began = performance.now()
    for (let n = 0; n < readsOfRound; n++) await cache.read(order[n % order.length] ?? '')
    rates.push((1_000 * readsOfRound) / (performance.now() - began))
  }
  return rates.toSorted((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0
}
