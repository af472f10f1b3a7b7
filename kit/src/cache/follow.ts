import { type Meter } from '@opentelemetry/api'
import { type Codec, type Topic, topics } from '@veza/contracts'
import { type ConsumedRecord, type Kafka } from '../kafka/index.ts'
import { type Logger } from '../log/index.ts'
import { type Caches } from './caches.ts'
import { type Change } from './types.ts'

type Invalidations = typeof topics.cacheInvalidations

/**
 * Tells this process's caches what has changed, as long as it runs: all of the topic, from now on. After each (re)join they
 * are emptied, since something may have been missed.
 */
export const followInvalidations = async (
  caches: Caches,
  o: {
    readonly kafka: Kafka
    readonly codec: Codec
    readonly meter?: Meter
    readonly log: Logger
    /** Those of the catalogue, but for tests. */
    readonly topic?: Topic<Invalidations['records'][number]>
  },
): Promise<{ stop(): Promise<void> }> => {
  const { kafka, codec, log, topic = topics.cacheInvalidations } = o
  const delay = o.meter?.createHistogram('cache_event_to_eviction', {
    unit: 's',
    description: "From an event to what this process's caches had of it being gone, by cache",
  })

  const read = (record: ConsumedRecord): Change | undefined => {
    if (record.value === null) return undefined
    const decoded = codec.decode(topic, record.value)
    if ('unknownSchemaId' in decoded) {
      // Of a newer version than this process: what it says is not known, but that something has changed is.
      caches.flush()
      codec.learn(topic, decoded.unknownSchemaId).catch((error: unknown) => {
        log.warn({ err: error }, 'could not learn a schema')
      })
      return undefined
    }
    if (decoded.type === 'InvalidatorSeen') {
      caches.told()
      return undefined
    }
    const { tag, version, changedAt } = decoded.value
    delay?.record(Math.max(0, Date.now() - changedAt) / 1_000, { cache: tag.slice(0, tag.indexOf(':')) })
    return { tag, version }
  }

  const take = (record: ConsumedRecord): Change | undefined => {
    try {
      return read(record)
    } catch (error) {
      log.error({ err: error, offset: record.offset }, 'skipped a record that can not be read')
      return undefined
    }
  }

  return kafka.consume({
    topics: [topic.name],
    from: 'end',
    onRecords: (records) => {
      caches.changed(records.map(take).filter((change) => change !== undefined))
    },
    onJoin: () => {
      caches.flush()
    },
  })
}
