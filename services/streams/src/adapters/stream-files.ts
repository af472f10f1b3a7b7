import { buffer } from 'node:stream/consumers'
import { type Readable } from 'node:stream'
import { type Objects } from '@veza/kit/objects'
import { LRUCache } from 'lru-cache'
import { type Range } from '../domain/files.ts'

/** A file of a stream. They never change: another content has another key. */
export interface StreamFiles {
  /** undefined: there is none. */
  size(key: string): Promise<number | undefined>
  /** What is in memory; undefined: it is not, or there is none. */
  kept(key: string): Buffer | undefined
  /** Whether it was there lately. */
  isKnown(key: string): boolean
  /** undefined: there is none any more. */
  read(
    file: { readonly key: string; readonly size: number },
    range: Range | undefined,
  ): Promise<Buffer | Readable | undefined>
}

/** Segments and playlists are smaller, progressive files larger. */
const largestKept = 1024 * 1024

/** Keeps what is heard most in memory. @param memoryBytes at most, of files */
export const streamFiles = (objects: Objects, memoryBytes: number): StreamFiles => {
  // It takes no 0. And of an entry that is larger than all, it takes off more than it has added.
  const maxSize = Math.max(1, memoryBytes)
  const kept = new LRUCache<string, Buffer>({
    maxSize,
    sizeCalculation: (file) => file.length + 1,
    maxEntrySize: Math.min(largestKept, maxSize),
  })
  const sizes = new LRUCache<string, number>({ max: 100_000 })
  const loading = new Map<string, Promise<Buffer | undefined>>()

  const load = (key: string): Promise<Buffer | undefined> => {
    const under = loading.get(key)
    if (under !== undefined) return under
    const promise = (async () => {
      const stream = await objects.read(key)
      const file = stream && (await buffer(stream))
      if (file !== undefined) kept.set(key, file)
      return file
    })().finally(() => loading.delete(key))
    loading.set(key, promise)
    return promise
  }

  return {
    async size(key) {
      const known = kept.peek(key)?.length ?? sizes.get(key)
      if (known !== undefined) return known
      const info = await objects.head(key)
      if (info !== undefined) sizes.set(key, info.bytes)
      return info?.bytes
    },
    kept: (key) => kept.get(key),
    isKnown: (key) => sizes.has(key),
    async read({ key, size }, range) {
      if (size > largestKept) return objects.read(key, range)
      const file = kept.get(key) ?? (await load(key))
      return range === undefined ? file : file?.subarray(range.start, range.end + 1)
    },
  }
}
