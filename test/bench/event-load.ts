import { randomUUID } from 'node:crypto'
import { type RecordOf } from '@veza/contracts'
import { type EventStore } from '@veza/kit/events'
import { headerOf, type Kafka } from '@veza/kit/kafka'
import { type UsersStore, usersTopic } from '@veza/users/store'
import { build, type Histogram } from 'hdr-histogram-js'
import { setTimeout as delay } from 'node:timers/promises'

/** Percentiles, milliseconds. */
export interface Delays {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** What came of writing at a rate. */
export interface Steady {
  readonly appended: number
  /** From when an append was due to its commit. */
  readonly append: Delays
  /** From an append's commit to a consumer that has its record. */
  readonly behind: Delays
  /** Events that came more than once. */
  readonly repeated: number
}

const histogram = () =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 })

/** Histograms hold microseconds. */
const delaysOf = (values: Histogram): Delays => {
  const at = (percentile: number) => values.getValueAtPercentile(percentile) / 1000
  return { p50: at(50), p95: at(95), p99: at(99), max: values.maxValue / 1000 }
}

const record = (values: Histogram, ms: number): void => {
  values.recordValue(Math.max(1, Math.round(ms * 1000)))
}

/** A person, their stream, and what they are called, sealed. */
interface Author {
  readonly userId: string
  readonly stream: string
  readonly profile: Buffer
  version: number
}

/** Streams that are written to, and a consumer that sees what comes of it. */
export interface EventLoad {
  /** One event an append, open loop: each is due at its time, whatever becomes of those before. */
  steady(o: { rate: number; writers: number; seconds: number }): Promise<Steady>
  /** As fast as it goes, so many events an append over as many streams. @returns events a second */
  batches(o: { events: number; batch: number; writers: number }): Promise<number>
  /** Waits until every appended event was seen. */
  settle(): Promise<void>
  /** Events that were appended. */
  readonly appended: number
}

/** Signs people up, one event each, and follows the topic. */
export const startEventLoad = async (
  users: UsersStore,
  store: EventStore<typeof usersTopic>,
  kafka: Kafka,
  people: number,
): Promise<EventLoad> => {
  const at = Date.now()
  const authors: Author[] = []
  for (let n = 0; n < people; n++) {
    const userId = randomUUID()
    const document = {
      displayName: `Person ${n}`,
      handle: null,
      bio: 'x'.repeat(80),
      location: '',
      links: [],
    }
    const profile = await users.personal.seal(userId, 'profile', document)
    authors.push({ userId, stream: `user-${userId}`, profile, version: 0 })
  }

  /** Of an event, by its stream and version: when its append was committed, and when it was seen first. */
  const committedAt = new Map<string, number>()
  const seen = new Set<string>()
  let [repeated, appended] = [0, 0]
  let measured: Histogram | undefined
  const behind = (place: string, seenAt: number): void => {
    const committed = committedAt.get(place)
    // The consumer can be faster than the answer to the append.
    if (measured !== undefined) record(measured, committed === undefined ? 0 : seenAt - committed)
    committedAt.delete(place)
  }
  await kafka.consume({
    topics: [usersTopic.name],
    from: 'end',
    onRecords(records) {
      const now = performance.now()
      for (const one of records) {
        const place = `${headerOf(one, 'ce_subject') ?? ''} ${headerOf(one, 'ce_sequence') ?? ''}`
        if (seen.has(place)) repeated++
        else {
          seen.add(place)
          behind(place, now)
        }
      }
    },
  })

  const nextOf = ({ userId, profile, version }: Author): RecordOf<typeof usersTopic> =>
    version === 0
      ? { type: 'ProfileCreated', value: { userId, profile, createdAt: at } }
      : {
          type: 'ProfileUpdated',
          value: { userId, profile, changed: ['displayName'], updatedAt: at + version },
        }
  const appendOf = (author: Author) => ({
    ...{ stream: author.stream, key: author.userId, expectedVersion: author.version },
    events: [nextOf(author)],
  })
  const committed = (author: Author): void => {
    author.version++
    appended++
    const place = `${author.stream} ${author.version}`
    if (!seen.has(place)) committedAt.set(place, performance.now())
  }

  const load: EventLoad = {
    get appended() {
      return appended
    },

    async steady({ rate, writers, seconds }) {
      const append = histogram()
      measured = histogram()
      const repeatedBefore = repeated
      const total = Math.round(rate * seconds)
      const start = performance.now()
      const write = async (writer: number): Promise<void> => {
        for (let n = writer; n < total; n += writers) {
          const due = start + (n * 1000) / rate
          const early = due - performance.now()
          if (early > 0.5) await delay(early)
          const author = authors[n % authors.length]
          if (author === undefined) return
          await store.append(users.db, appendOf(author))
          record(append, performance.now() - due)
          committed(author)
        }
      }
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
      await load.settle()
      const result = {
        appended: total,
        append: delaysOf(append),
        behind: delaysOf(measured),
        repeated: repeated - repeatedBefore,
      }
      measured = undefined
      return result
    },

    async batches({ events, batch, writers }) {
      const started = performance.now()
      const share = Math.floor(authors.length / writers)
      let left = events
      const write = async (writer: number): Promise<void> => {
        const own = authors.slice(writer * share, (writer + 1) * share)
        for (let n = 0; left > 0; n += batch) {
          left -= batch
          const some = Array.from({ length: batch }, (_, i) => own[(n + i) % own.length] as Author)
          await store.appendAll(users.db, some.map(appendOf))
          some.forEach(committed)
        }
      }
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
      return (Math.ceil(events / batch) * batch * 1000) / (performance.now() - started)
    },

    async settle() {
      while (seen.size < appended) await delay(5)
    },
  }
  await load.batches({ events: people, batch: 100, writers: 1 })
  await load.settle()
  return load
}
