import { LRUCache } from 'lru-cache'
import { type Gate } from './gate.ts'
import { loaderOf, type Loading } from './loading.ts'
import { type CacheMetrics } from './metrics.ts'
import { type SharedAnswer, type SharedLevel, tagOf, unknown, type Versioned } from './types.ts'

/** How a value is written for other processes. Personal data has to be sealed in the text. */
export interface SharedForm<T> {
  write(id: string, value: T): string | Promise<string>
  /** undefined: it can't be read (any more). */
  read(id: string, text: string): T | undefined | Promise<T | undefined>
}

export type CacheOptions<T> = Loading<T> & {
  /** The first part of its tags, and its name in metrics. */
  readonly name: string
  /** Of this process, estimated. */
  readonly maxBytes: number
  /** How long a value is kept here. Default 30,000 ms. */
  readonly ttlMs?: number
  /** The same of what is not there. Default 5,000 ms. */
  readonly negativeTtlMs?: number
  /** Whether what is there is worth keeping: not while it is about to change. Default: always. */
  readonly keeps?: (value: T) => boolean
  /** Left out: this process alone keeps it. */
  readonly shared?: SharedForm<T>
}

/**
 * A cache of entities by their id. Of one cache nobody who has been answered with a version is answered with an older one
 * afterwards, whatever is changed, evicted or lost meanwhile.
 */
export interface Cache<T> {
  /**
   * @param atLeast what is older is read anew (and may be as old still: what is read from can be behind)
   * @returns rejects what `load` rejects with, and Overloaded
   */
  read(id: string, atLeast?: number): Promise<Versioned<T>>
  /** The entity is of this version by now: what is older is neither kept nor waited for. */
  changed(id: string, version: number): void
}

export interface CacheInternals {
  /** Something may have been missed: forgets all, and keeps nothing that is being read. */
  flush(): void
}

export interface CacheParts {
  readonly shared: SharedLevel | undefined
  readonly gate: Gate
  readonly metrics: CacheMetrics
  /** Whether changes are being told. While they are not, entries live for a second. */
  readonly isTold: () => boolean
  /** Milliseconds, monotonic. */
  readonly now: () => number
}

interface Entry<T> {
  readonly answer: Promise<Versioned<T>>
  readonly version: number
  readonly at: number
  readonly until: number
}

/** What is known of an entity's version besides its entry. */
interface Floor {
  /** The newest that anybody was answered with. */
  seen: number
  /** The newest that was heard of. */
  heard: number
}

interface Flight<T> {
  readonly atLeast: number
  readonly promise: Promise<Versioned<T>>
}

/** Of entities, not bytes: what is remembered of each is two numbers. */
const maxFloors = 100_000
const untoldMs = 1_000
/** What took longer to read is not put where others read it: a tombstone may have come and gone meanwhile. */
const putWithinMs = 2_000
/** Of a truth that went back, by a restored backup, no reading gives what was seen before. */
const maxReadings = 3
const entryOverheadBytes = 300

export const createCache = <T>(
  options: CacheOptions<T>,
  { shared: level, gate, metrics, isTold, now }: CacheParts,
): Cache<T> & CacheInternals => {
  const { name, maxBytes, ttlMs = 30_000, negativeTtlMs = 5_000, shared: form, keeps = () => true } = options
  const load = loaderOf(options, gate)
  const shared = form === undefined ? undefined : level
  const entries = new LRUCache<string, Entry<T>>({ maxSize: maxBytes, maxEntrySize: maxBytes })
  const floors = new LRUCache<string, Floor>({ max: maxFloors })
  const flights = new Map<string, Flight<T>>()
  let epoch = 0

  const isKept = ({ value }: Versioned<T>): boolean => value === undefined || keeps(value)

  const floorOf = (id: string): Floor => {
    const known = floors.get(id)
    if (known !== undefined) return known
    const floor = { seen: 0, heard: 0 }
    floors.set(id, floor)
    return floor
  }

  const evict = (id: string): void => {
    if (entries.delete(id)) metrics.evictions++
  }

  const keep = (id: string, found: Versioned<T>, bytes: number): void => {
    const at = now()
    const until = at + (found.value === undefined ? negativeTtlMs : ttlMs)
    const entry = { answer: Promise.resolve(found), version: found.version, at, until }
    entries.set(id, entry, { size: bytes + id.length + entryOverheadBytes })
    metrics.fills++
  }

  /** From the shared level, if that is new enough for whoever asked, and no older than what was heard of. */
  const fromShared = async (
    id: string,
    { entry }: SharedAnswer,
    atLeast: number,
  ): Promise<{ found: Versioned<T>; bytes: number } | undefined> => {
    if (entry === undefined || form === undefined) return undefined
    const { version, text } = entry
    if (version < Math.max(atLeast, floorOf(id).heard)) return undefined
    if (text === '') return { found: { version, value: undefined }, bytes: 0 }
    const value = await form.read(id, text)
    return value === undefined ? undefined : { found: { version, value }, bytes: text.length }
  }

  const putShared = async (
    id: string,
    { generation }: SharedAnswer,
    found: Versioned<T>,
  ): Promise<number> => {
    const text =
      found.value === undefined
        ? ''
        : form === undefined
          ? JSON.stringify(found.value)
          : await form.write(id, found.value)
    if (generation !== undefined && found.version >= floorOf(id).heard && isKept(found))
      await shared?.put(tagOf(name, id), { generation, version: found.version, text })
    return text.length
  }

  /** The last step of a fill, in one go: nobody is answered in between. @returns undefined: somebody knows better */
  const answer = (
    id: string,
    found: Versioned<T>,
    { began, bytes, isLast }: { began: number; bytes: number; isLast: boolean },
  ): Versioned<T> | undefined => {
    const floor = floorOf(id)
    if (found.version < floor.seen && !isLast) return undefined
    floor.seen = found.version
    const kept = entries.peek(id)
    if (kept !== undefined && kept.version < found.version) entries.delete(id)
    if (began === epoch && found.version >= floor.heard && isKept(found)) keep(id, found, bytes)
    return found
  }

  const fill = async (id: string, atLeast: number): Promise<Versioned<T>> => {
    const began = epoch
    const known = shared === undefined ? unknown : await shared.get(tagOf(name, id))
    const floor = floorOf(id)
    floor.heard = Math.max(floor.heard, known.atLeast)
    const hit = await fromShared(id, known, atLeast)
    if (hit !== undefined) {
      const answered = answer(id, hit.found, { began, bytes: hit.bytes, isLast: false })
      if (answered !== undefined) {
        metrics.sharedHits++
        return answered
      }
    }
    for (let reading = 1; ; reading++) {
      metrics.loads++
      const from = now()
      const found = await load(id)
      const isPrompt = now() - from < putWithinMs
      const bytes =
        form === undefined
          ? JSON.stringify(found.value ?? '').length
          : await putShared(id, isPrompt ? known : unknown, found)
      const answered = answer(id, found, { began, bytes, isLast: reading === maxReadings })
      if (answered !== undefined) return answered
    }
  }

  return {
    read(id, atLeast = 0) {
      const entry = entries.get(id)
      if (entry !== undefined && entry.version >= atLeast) {
        const at = now()
        if (at < entry.until && (at - entry.at < untoldMs || isTold())) {
          metrics.hit(at - entry.at)
          return entry.answer
        }
      }
      metrics.misses++
      const flight = flights.get(id)
      if (flight !== undefined && flight.atLeast >= atLeast) return flight.promise
      const promise = fill(id, atLeast).finally(() => {
        if (flights.get(id)?.promise === promise) flights.delete(id)
      })
      flights.set(id, { atLeast, promise })
      return promise
    },
    changed(id, version) {
      const floor = floorOf(id)
      if (version <= floor.heard) return
      floor.heard = version
      // What is being read may be older: who asks from now on does not wait for it.
      flights.delete(id)
      const entry = entries.peek(id)
      if (entry !== undefined && entry.version < version) evict(id)
    },
    flush() {
      epoch++
      flights.clear()
      metrics.evictions += entries.size
      entries.clear()
    },
  }
}
