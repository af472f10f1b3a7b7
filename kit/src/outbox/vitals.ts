import { type Meter, type ObservableResult } from '@opentelemetry/api'
import { type WorkerHealth } from '../worker/index.ts'
import { type Pending, type Shard } from './connection.ts'
import { type OutboxRow } from './records.ts'

/** What a relay tells of itself. */
export interface Vitals {
  /** It has the lock, or has it no more. */
  holding(isHolder: boolean): void
  observed(pending: Pending): void
  /** The database was asked, and answered. */
  turned(): void
  /** @param waitedMs since the rows were read */
  published(rows: readonly OutboxRow[], waitedMs: number): void
  failed(why: string): void
  readonly isHolder: boolean
  close(): void
}

export const createVitals = (o: {
  readonly context: string
  readonly shard: Shard
  readonly meter: Meter
  readonly health: WorkerHealth
  readonly notReadyAfterMs: number
  readonly stalledAfterMs: number
}): Vitals => {
  const labels = { context: o.context, shard: String(o.shard.shard) }
  const published = o.meter.createCounter('outbox_published_total', {
    description: 'Events that Kafka has acknowledged, repetitions included',
  })
  const delay = o.meter.createHistogram('outbox_publish_delay', {
    unit: 's',
    description: 'From the recording of an event to its acknowledgement by Kafka',
  })
  const holder = o.meter.createObservableGauge('outbox_relay_holder', {
    description: '1 for the process that relays the shard, 0 for those that stand by',
  })
  const events = o.meter.createObservableGauge('outbox_pending_events', {
    description: 'Events that wait to be published, at most 10000. Absent where another process relays',
  })
  const age = o.meter.createObservableGauge('outbox_oldest_age', {
    unit: 's',
    description:
      'Age of the oldest event that waits to be published, 0 = none. Absent where another process relays',
  })

  let isHolder = false
  let waiting: (Pending & { readonly at: number }) | undefined
  let failing: { since: number; why: string } | undefined = {
    since: 0,
    why: 'has not reached its database yet',
  }
  let turnedAt = Date.now()

  const observeHolder = (result: ObservableResult) => {
    result.observe(isHolder ? 1 : 0, labels)
  }
  const observeEvents = (result: ObservableResult) => {
    if (waiting) result.observe(waiting.events, labels)
  }
  const observeAge = (result: ObservableResult) => {
    if (!waiting) return
    const seconds = waiting.events === 0 ? 0 : (waiting.oldestAgeMs + Date.now() - waiting.at) / 1000
    result.observe(seconds, labels)
  }
  holder.addCallback(observeHolder)
  events.addCallback(observeEvents)
  age.addCallback(observeAge)

  const name = `outbox-${o.context}-${o.shard.shard}`
  o.health.ready(name, () =>
    failing && Date.now() - failing.since > o.notReadyAfterMs ? failing.why : undefined,
  )
  o.health.live(name, () => {
    // Waiting for a database or a broker that is down is what a relay has to do; a restart would not help.
    const still = Date.now() - turnedAt
    return !failing && still > o.stalledAfterMs ? `the relay has not turned for ${still} ms` : undefined
  })

  const turned = () => {
    turnedAt = Date.now()
    failing = undefined
  }
  return {
    holding(holds) {
      isHolder = holds
      if (!holds) waiting = undefined
    },
    observed(pending) {
      waiting = { ...pending, at: Date.now() }
    },
    turned,
    published(rows, waitedMs) {
      turned()
      published.add(rows.length, labels)
      for (const row of rows) delay.record(Math.max(0, row.age_ms + waitedMs) / 1000, { context: o.context })
    },
    failed(why) {
      failing = { since: failing?.since ?? Date.now(), why }
    },
    get isHolder() {
      return isHolder
    },
    close() {
      holder.removeCallback(observeHolder)
      events.removeCallback(observeEvents)
      age.removeCallback(observeAge)
    },
  }
}
