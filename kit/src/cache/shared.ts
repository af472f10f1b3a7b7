import { type Redis, script } from '../redis/index.ts'
import { type SharedLevel, unknown } from './types.ts'

/**
 * Tags are spread over so many buckets, each of which is believed while a lease lies beside it. A bucket is a slot of a
 * cluster, so that a lease and the entries that it vouches for are read in one step, and lost together.
 */
export const buckets = 64

/** FNV-1a. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

export const bucketOf = (tag: string): number => hash(tag) % buckets
export const leaseKey = (bucket: number): string => `veza:{cache-${bucket}}:lease`
export const entryKey = (tag: string): string => `veza:{cache-${bucketOf(tag)}}:${tag}`

/** `generation|version|written at|text`; of a tombstone the generation is empty, and so is the text. */
const write = (generation: string, version: number, writtenAt: number, text: string): string =>
  `${generation}|${version}|${writtenAt}|${text}`

const read = (record: string) => {
  const [generation = '', version = '', writtenAt = ''] = record.split('|', 3)
  return {
    generation,
    version: Number(version),
    writtenAt: Number(writtenAt),
    text: record.slice(generation.length + version.length + writtenAt.length + 3),
  }
}

const getScript = script("return redis.call('MGET', KEYS[1], KEYS[2])")

// Whatever is held, a tombstone or an entry of any generation: it tells of a version that has been there.
const putScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local held = redis.call('GET', KEYS[2])
if held and tonumber(string.match(held, '^[^|]*|(%d+)|')) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
return 1`)

/** Replaces what is older by a tombstone. What is as new or newer may stay. */
const buryScript = script(`
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^[^|]*|(%d+)|')) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1`)

/** How long an entry is kept at most: what bounds its age, should nobody tell of a change. */
const entryMs = 60_000
/** Longer than any read model is behind. */
const tombstoneMs = 600_000

/** The shared level in Redis, for those who read. */
export const sharedLevel = (redis: Redis, now: () => number = Date.now): SharedLevel => ({
  async get(tag) {
    if (!redis.available) return unknown
    try {
      const answer = await redis.run(getScript, [leaseKey(bucketOf(tag)), entryKey(tag)], [])
      const [generation, record] = answer as readonly (string | null)[]
      if (record === null || record === undefined)
        return { generation: generation ?? undefined, entry: undefined, atLeast: 0 }
      const { version, writtenAt, text, ...written } = read(record)
      const isBelieved = typeof generation === 'string' && written.generation === generation
      return {
        generation: generation ?? undefined,
        entry: isBelieved ? { version, writtenAt, text } : undefined,
        atLeast: version,
      }
    } catch {
      return unknown
    }
  },
  async put(tag, { generation, version, text }) {
    if (!redis.available) return
    const record = write(generation, version, now(), text)
    await redis
      .run(putScript, [leaseKey(bucketOf(tag)), entryKey(tag)], [generation, version, entryMs, record])
      .catch(() => undefined)
  },
})

/** Writes that the entity is of this version at least. Rejects RedisGone: then it may have been written, or not. */
export const bury = async (redis: Redis, tag: string, version: number, at: number): Promise<void> => {
  await redis.run(buryScript, [entryKey(tag)], [version, tombstoneMs, write('', version, at, '')])
}
