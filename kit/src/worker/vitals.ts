import { type Meter, type ObservableResult } from '@opentelemetry/api'
import { type Topic } from '@veza/contracts'
import { type ChunkControl, type ConsumedRecord, type Consumer, type Kafka } from '../kafka/index.ts'
import { type Outcome, type WorkerHealth } from './types.ts'

export interface VitalsOptions {
  readonly name: string
  readonly kafka: Pick<Kafka, 'admin'>
  readonly topics: readonly Topic[]
  readonly meter: Meter
  readonly health: WorkerHealth
  readonly notReadyAfterMs: number
  readonly stalledAfterMs: number
  readonly lagIntervalMs: number
}

/** What a worker tells of itself: lag, age, durations, readiness, liveness. */
export interface Vitals {
  joined(consumer: Consumer): void
  chunkStarted(records: readonly ConsumedRecord[], chunk: ChunkControl): void
  /** `done` = handled and settled, which is progress; otherwise it comes again. */
  chunkEnded(records: readonly ConsumedRecord[], chunk: ChunkControl, done: boolean): void
  handled(seconds: number): void
  settled(outcomes: readonly Outcome[]): void
  deadLettered(errorClass: string): void
  /** An attempt failed. `outside` = something that the worker depends on is known to be down. */
  failed(chunk: ChunkControl, why: string, outside: boolean): void
  /** An attempt succeeded. */
  recovered(chunk: ChunkControl): void
  close(): void
}

export function createVitals(options: VitalsOptions): Vitals {
  const { name, meter } = options
  const group = { 'messaging.consumer.group.name': name }
  const consumed = meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' })
  const duration = meter.createHistogram('messaging.process.duration', {
    unit: 's',
    description: 'One call of the handler, with all messages of a chunk',
  })
  const outcomes = meter.createCounter('worker_outcomes_total', {
    description: 'Messages by what became of them',
  })
  const dead = meter.createCounter('dlq_messages_total', {
    description: 'Records sent to the dead-letter topic',
  })
  const age = meter.createGauge('worker_oldest_message_age', {
    unit: 's',
    description: "Age of the chunk's oldest message when its handling began",
  })
  const lagGauge = meter.createObservableGauge('kafka_consumergroup_lag', {
    description: 'Records that are not committed yet. Absent while unknown',
  })

  let consumer: Consumer | undefined
  /** undefined = nobody knows: not 0. */
  let lag: number | undefined
  let progressAt = Date.now()
  const underWay = new Set<ChunkControl>()
  /** By chunk: one that fails is not made good by another beside it. One that was given up is, by whatever comes after. */
  const failing = new Map<ChunkControl, { since: number; why: string; outside: boolean }>()

  const observeLag = (result: ObservableResult) => {
    if (lag !== undefined) result.observe(lag, { group: name })
  }
  lagGauge.addCallback(observeLag)

  let asking = false
  async function askLag(): Promise<void> {
    if (asking) return
    asking = true
    try {
      lag = await options.kafka.admin.lag(
        name,
        options.topics.map((topic) => topic.name),
      )
      if (lag === 0) progressAt = Date.now()
    } catch {
      lag = undefined
    } finally {
      asking = false
    }
  }
  const timer = setInterval(() => void askLag(), options.lagIntervalMs)

  options.health.ready(name, () => {
    if (!consumer) return 'has not joined its group yet'
    const now = Date.now()
    for (const { since, why } of failing.values()) if (now - since > options.notReadyAfterMs) return why
    const silence = now - consumer.lastFetchAt
    if (underWay.size === 0 && silence > options.notReadyAfterMs)
      return `no answer from Kafka for ${silence} ms`
    return undefined
  })
  options.health.live(name, () => {
    // Waiting for a database or a registry that is down is what a worker has to do; a restart would not help.
    const isOutside = [...failing.values()].some(({ outside }) => outside)
    if (lag === undefined || lag === 0 || isOutside) return undefined
    const still = Date.now() - progressAt
    return still > options.stalledAfterMs ? `no progress for ${still} ms with a lag of ${lag}` : undefined
  })

  return {
    joined(to) {
      consumer = to
      progressAt = Date.now()
    },
    chunkStarted(records, chunk) {
      underWay.add(chunk)
      const oldest = records.reduce((least, { timestamp }) => Math.min(least, timestamp), Infinity)
      age.record(Math.max(0, Date.now() - oldest) / 1000, group)
    },
    chunkEnded(records, chunk, done) {
      underWay.delete(chunk)
      if (!done) return
      progressAt = Date.now()
      consumed.add(records.length, group)
    },
    handled(seconds) {
      duration.record(seconds, group)
    },
    settled(settled) {
      for (const kind of ['done', 'skip', 'dead'] as const) {
        const count = settled.filter((outcome) => outcome.kind === kind).length
        if (count > 0) outcomes.add(count, { ...group, outcome: kind })
      }
    },
    deadLettered(errorClass) {
      dead.add(1, { ...group, 'error.type': errorClass })
    },
    failed(chunk, why, outside) {
      const since = Math.min(Date.now(), ...Array.from(failing.values(), (before) => before.since))
      failing.set(chunk, { since, why, outside })
    },
    recovered(chunk) {
      for (const one of failing.keys()) if (one === chunk || !underWay.has(one)) failing.delete(one)
    },
    close() {
      clearInterval(timer)
      lagGauge.removeCallback(observeLag)
    },
  }
}
