import { metrics } from '@opentelemetry/api'
import { type Codec } from '@veza/contracts'
import { expect, it, vi } from 'vitest'
import { type ConsumedRecord, type Kafka, type TailOptions } from '../kafka/index.ts'
import { createLog } from '../log/index.ts'
import { openProcessCaches } from './index.ts'

const log = createLog('test', 'silent')

/** A process's cache `names` of a truth that is always newer, and what tells it of changes. */
const open = async () => {
  let tail: TailOptions | undefined
  const stopped = vi.fn(() => Promise.resolve())
  const kafka = {
    consume(options: TailOptions) {
      tail = options
      return Promise.resolve({ stop: stopped })
    },
  } as unknown as Kafka
  const learn = vi.fn(() => Promise.reject(new Error('the registry is away')))
  const codec = {
    decode(_topic: unknown, bytes: Buffer): unknown {
      return JSON.parse(bytes.toString())
    },
    learn,
  } as unknown as Codec
  const { caches, stop } = await openProcessCaches(
    { CACHE_READS: true },
    { redis: undefined, kafka, codec, meter: metrics.getMeter('test'), log },
  )
  let version = 0
  const cache = caches.open({
    name: 'names',
    load: (id) => Promise.resolve({ version: ++version, value: id }),
    maxBytes: 1_000_000,
  })
  const tell = (...values: (object | string | null)[]) =>
    tail?.onRecords(
      values.map((value, offset): ConsumedRecord => {
        const text = typeof value === 'string' ? value : JSON.stringify(value)
        return {
          ...{ topic: 'cache.invalidations.v1', partition: 0, offset, timestamp: 0, key: null, headers: {} },
          value: value === null ? null : Buffer.from(text),
        }
      }),
    )
  const versions = async () => [(await cache.read('a')).version, (await cache.read('b')).version]
  return { tell, versions, learn, stop, stopped, rejoin: () => tail?.onJoin?.() }
}

const changed = (id: string, version: number) => ({
  type: 'EntityChanged',
  value: { tag: `names:${id}`, version, changedAt: Date.now() },
})
const seen = { type: 'InvalidatorSeen', value: { sentAt: 0 } }

it('reads anew what has changed and nothing else, whatever else lies between', async () => {
  const { tell, versions, stop, stopped } = await open()
  tell(seen)
  expect(await versions()).toEqual([1, 2])
  expect(await versions()).toEqual([1, 2])
  tell(null, 'not what a codec reads', changed('a', 3))
  expect(await versions()).toEqual([3, 2])
  await stop()
  expect(stopped).toHaveBeenCalledTimes(1)
})

it('reads all anew after it has joined again: something may have been missed', async () => {
  const { tell, versions, rejoin } = await open()
  tell(seen)
  expect(await versions()).toEqual([1, 2])
  rejoin()
  expect(await versions()).toEqual([3, 4])
})

it('reads all anew when it is told in words that it does not know yet, and learns them', async () => {
  const { tell, versions, learn } = await open()
  tell(seen)
  expect(await versions()).toEqual([1, 2])
  tell({ unknownSchemaId: 7 })
  expect(await versions()).toEqual([3, 4])
  expect(learn).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ name: 'cache.invalidations.v1' }),
    7,
  )
})
