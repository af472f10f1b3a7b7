import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { filesystemObjects } from '@veza/kit/objects'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { streamFiles } from './stream-files.ts'

const key = 'media/ab/96k/0000.m4s'
const segment = Buffer.from('0123456789')
const dirs: string[] = []
let store: ReturnType<typeof filesystemObjects>
/** What the store was asked. */
let asked: string[]
let files: ReturnType<typeof streamFiles>
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'veza-stream-files-'))
  dirs.push(dir)
  store = filesystemObjects(dir)
  await store.put(key, segment, 'audio/mp4')
  asked = []
  files = streamFiles(
    {
      ...store,
      head: (...of) => (asked.push('head'), store.head(...of)),
      read: (...of) => (asked.push('read'), store.read(...of)),
    },
    100,
  )
})
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true })
})
const file = { key, size: segment.length }

it('reads the store once for many who want the same at once, and not again while it is in memory', async () => {
  expect(files.kept(key)).toBeUndefined()
  const read = await Promise.all(Array.from({ length: 20 }, () => files.read(file, undefined)))
  expect(read).toEqual(Array.from({ length: 20 }, () => segment))
  expect(await files.read(file, { start: 3, end: 5 })).toEqual(segment.subarray(3, 6))
  expect(files.kept(key)).toEqual(segment)
  expect(await files.size(key)).toBe(segment.length)
  expect(asked).toEqual(['read'])
})

it('asks for a size once, and says of what is not there that it is not, each time', async () => {
  expect([await files.size(key), await files.size(key), files.isKnown(key)]).toEqual([10, 10, true])
  expect(asked).toEqual(['head'])
  expect([await files.size('media/ab/none'), await files.size('media/ab/none')]).toEqual([
    undefined,
    undefined,
  ])
  expect(files.isKnown('media/ab/none')).toBe(false)
  expect(asked).toHaveLength(3)
})

it('has nothing of what was swept since its size was asked for', async () => {
  await store.delete([key])
  expect(await files.read(file, undefined)).toBeUndefined()
  expect(await files.read(file, { start: 3, end: 5 })).toBeUndefined()
})

it('tries again after the store was away', async () => {
  const away = new Error('away')
  let isAway = true
  const flaky = streamFiles(
    { ...store, read: (...of) => (isAway ? Promise.reject(away) : store.read(...of)) },
    100,
  )
  await expect(flaky.read(file, undefined)).rejects.toBe(away)
  isAway = false
  expect(await flaky.read(file, undefined)).toEqual(segment)
})

it('sends on what is large, and keeps none of it', async () => {
  const large = Buffer.alloc(2_000_000, 'x')
  await store.put('media/ab/progressive.mp4', large, 'audio/mp4')
  const read = await files.read({ key: 'media/ab/progressive.mp4', size: large.length }, { start: 5, end: 8 })
  expect(read).toBeInstanceOf(Readable)
  expect(await buffer(read as Readable)).toEqual(Buffer.from('xxxx'))
  expect(files.kept('media/ab/progressive.mp4')).toBeUndefined()
})

it.each([0, 5, 25])('keeps no more than %i bytes, however large what it is asked for is', async (memory) => {
  const small = Array.from({ length: 5 }, (_, n) => ({ key: `media/small/${n}`, size: 10 }))
  const large = { key: 'media/large/0', size: 500 }
  for (const { key, size } of [...small, large]) await store.put(key, Buffer.alloc(size), 'audio/mp4')
  const few = streamFiles(store, memory)
  for (const file of [large, ...small]) expect(await few.read(file, undefined)).toHaveLength(file.size)
  const bytes = [large, ...small].map(({ key }) => few.kept(key)?.length ?? 0)
  expect(bytes.reduce((sum, one) => sum + one)).toBe(memory === 25 ? 20 : 0)
})
