import { type Codec } from '@veza/contracts'
import { metrics } from '@opentelemetry/api'
import { expect, it, onTestFinished, vi } from 'vitest'
import { connectKafka } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { openProcessCaches } from './index.ts'

it('keeps nothing, and asks nobody to be told, where it is to read the truth each time', async () => {
  const log = createLog('test', 'silent')
  // Nobody is there: whoever followed the topic would wait for it.
  const kafka = connectKafka(['127.0.0.1:1'], { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const { caches, stop } = await openProcessCaches(
    { CACHE_READS: false },
    { redis: undefined, kafka, codec: {} as Codec, meter: metrics.getMeter('test'), log },
  )
  const load = vi.fn((id: string) => Promise.resolve({ version: 1, value: id }))
  const cache = caches.open({ name: 'names', load, maxBytes: 1_000 })
  expect(await cache.read('a')).toEqual(await cache.read('a'))
  cache.changed('a', 2)
  expect(load).toHaveBeenCalledTimes(2)
  await stop()
})
