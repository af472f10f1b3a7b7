import { randomUUID } from 'node:crypto'
import { type Codec, type Topic, toHeaders, type topics } from '@veza/contracts'
import { type Change, type Invalidator } from '@veza/kit/cache'
import { headerOf, type OutgoingRecord, type Producer } from '@veza/kit/kafka'
import { done, type HandleChunk, type Message, skip } from '@veza/kit/worker'
import { changeOf, type SourceTopic } from './changes.ts'

type Invalidations = typeof topics.cacheInvalidations
export type InvalidationsTopic = Topic<Invalidations['records'][number]>

export interface InvalidateDeps {
  readonly codec: Codec
  readonly producer: Producer
  readonly topic: InvalidationsTopic
  /** Of what processes share; undefined: there is nothing. */
  readonly shared: Invalidator | undefined
  readonly now: () => number
}

const source = '/cache-invalidation'
const nothingCached = skip('nothing of it is cached')
const tooOld = skip('older than whatever is cached')

/** Nothing lives in a cache for so long, so that a group that begins with the first event of all has little to do. */
const longestLifeMs = 600_000

interface Told extends Change {
  readonly changedAt: number
}

const happenedAt = ({ record }: Message<SourceTopic>): number => {
  const time = Date.parse(headerOf(record, 'ce_time') ?? '')
  return Number.isNaN(time) ? record.timestamp : time
}

const recordOf = ({ codec, topic }: InvalidateDeps, change: Told): OutgoingRecord => ({
  topic: topic.name,
  key: change.tag,
  value: codec.encode(topic, 'EntityChanged', change),
  headers: toHeaders({ id: randomUUID(), type: 'EntityChanged', source, time: change.changedAt }),
})

/**
 * A chunk of what happened: of each entity the newest version, which goes to what processes share, and then to all of them.
 * That Redis is away keeps nobody waiting: what could not be buried there is not believed any more when it is back.
 */
export const invalidate =
  (deps: InvalidateDeps): HandleChunk<SourceTopic> =>
  async (messages) => {
    const newest = new Map<string, Told>()
    const since = deps.now() - longestLifeMs
    const outcomes = messages.map((message) => {
      const change = changeOf(message)
      if (change === undefined) return nothingCached
      if (message.record.timestamp < since) return tooOld
      const known = newest.get(change.tag)
      if (known === undefined || known.version < change.version)
        newest.set(change.tag, { ...change, changedAt: known?.changedAt ?? happenedAt(message) })
      return done
    })
    const changes = [...newest.values()]
    await deps.shared?.bury(changes)
    await deps.producer.sendAll(changes.map((change) => recordOf(deps, change)))
    return outcomes
  }

/** That somebody is there who tells of changes. */
export const seenRecord = ({ codec, topic, now }: InvalidateDeps): OutgoingRecord => {
  const sentAt = now()
  return {
    topic: topic.name,
    key: '',
    value: codec.encode(topic, 'InvalidatorSeen', { sentAt }),
    headers: toHeaders({ id: randomUUID(), type: 'InvalidatorSeen', source, time: sentAt }),
  }
}
