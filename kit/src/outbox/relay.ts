import { type Meter } from '@opentelemetry/api'
import { backoff, type KafkaLog, pause, type Producer } from '../kafka/index.ts'
import { messageOf } from '../log/index.ts'
import { type WorkerHealth } from '../worker/index.ts'
import { type Checkpoint, openOutbox, type OutboxConnection, type Shard } from './connection.ts'
import { type Slice, slices } from './records.ts'
import { createVitals } from './vitals.ts'

/** What a relay needs. */
export interface RelayOptions extends Partial<Shard> {
  /** Whose events: the metric label, and with a `/` before it the ce_source. */
  readonly context: string
  /** The database with the event store. */
  readonly databaseUrl: string
  /** The relay's own: what another sends through it could be sent between two events of one key. */
  readonly producer: Producer
  readonly meter: Meter
  readonly health: WorkerHealth
  readonly log: KafkaLog
  readonly settings?: RelaySettings
}

export interface RelaySettings {
  /** Pause after events were found, in which more gather. Default 10 ms. */
  readonly pollMinMs?: number
  /** Longest pause while there are none: what the first event after silence waits at most. Default 50 ms. */
  readonly pollMaxMs?: number
  /** Events read at once. Default 1,000. */
  readonly pageEvents?: number
  /** How often a relay that stands by tries to take over. Default 500 ms. */
  readonly standbyMs?: number
  /** The silence after which the database ends a relay's session and with it its lock. Default 10,000 ms. */
  readonly sessionTimeoutMs?: number
  /** How often the pending events are counted. Default 1,000 ms. */
  readonly observeMs?: number
  /** First and longest pause after a failure. Default 100 ms and 5,000 ms. */
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
  /** Failing for longer than this makes /readyz red. Default 10,000 ms. */
  readonly notReadyAfterMs?: number
  /** Not turning for longer than this, without a failure, makes /livez red. Default 120,000 ms. */
  readonly stalledAfterMs?: number
}

/** A relay that runs until it is stopped, publishing or standing by. */
export interface Relay {
  /** It has the shard's lock: it is the one that publishes. */
  readonly isHolder: boolean
  /** Ends the turn under way and gives the lock back, so that another takes over at once. Idempotent. */
  stop(): Promise<void>
}

/** Below a produce request's own limit: a slice is one request, all of it acknowledged or none known to be. */
const sliceBytes = 800_000

/**
 * Publishes the events of a database to their topics. At least once: a relay that dies between Kafka's acknowledgement
 * and its checkpoint leaves events that the next one publishes again, with the same ce_id and ce_sequence. In order per
 * key: events go out in the order of their transactions, one request after the other, and a relay that takes over
 * starts before everything that its predecessor may still have under way.
 */
export const runRelay = (options: RelayOptions): Relay => {
  const { context, databaseUrl, producer, log } = options
  const shard = { shard: options.shard ?? 0, shards: options.shards ?? 1 }
  const settings = {
    pollMinMs: 10,
    pollMaxMs: 50,
    pageEvents: 1_000,
    standbyMs: 500,
    sessionTimeoutMs: 10_000,
    observeMs: 1_000,
    retryMinMs: 100,
    retryMaxMs: 5_000,
    notReadyAfterMs: 10_000,
    stalledAfterMs: 120_000,
    ...options.settings,
  }
  const stopping = new AbortController()
  const { signal } = stopping
  const isStopping = () => signal.aborted
  const vitals = createVitals({ ...options, ...settings, shard })
  const fields = { context, ...shard }

  /** Waits for Kafka as long as it takes; the session must not be ended meanwhile. */
  const publish = async (outbox: OutboxConnection, { rows, records }: Slice): Promise<void> => {
    const started = performance.now()
    const heart = setInterval(() => void outbox.beat().catch(() => undefined), settings.sessionTimeoutMs / 4)
    try {
      await producer.sendAll(records)
    } finally {
      clearInterval(heart)
    }
    vitals.published(rows, performance.now() - started)
  }

  const relayPage = async (outbox: OutboxConnection, from: Checkpoint): Promise<[Checkpoint, number]> => {
    const rows = await outbox.read(from, settings.pageEvents)
    vitals.turned()
    let checkpoint = from
    for (const slice of slices(rows, `/${context}`, sliceBytes)) {
      await publish(outbox, slice)
      const last = slice.rows.at(-1)
      if (last) checkpoint = { transactionId: last.transaction_id, position: last.position }
      await outbox.save(checkpoint)
      if (isStopping()) break
    }
    return [checkpoint, rows.length]
  }

  const hold = async (outbox: OutboxConnection): Promise<void> => {
    let checkpoint = await outbox.start()
    log.info({ ...fields, ...checkpoint }, 'relaying')
    let observeAt = 0
    let idleMs = settings.pollMinMs
    while (!isStopping()) {
      const [reached, events] = await relayPage(outbox, checkpoint)
      checkpoint = reached
      if (Date.now() >= observeAt) {
        vitals.observed(await outbox.pending(checkpoint))
        observeAt = Date.now() + settings.observeMs
      }
      if (events === settings.pageEvents) continue
      idleMs = events > 0 ? settings.pollMinMs : Math.min(settings.pollMaxMs, idleMs * 1.5)
      await pause(idleMs, signal)
    }
  }

  const session = async (): Promise<void> => {
    const outbox = await openOutbox(databaseUrl, shard, {
      applicationName: `outbox-relay ${context}`,
      sessionTimeoutMs: settings.sessionTimeoutMs,
    })
    try {
      // A service that has no event store yet, or whose migration is still to come, has nothing to relay.
      while (!(await outbox.hasEvents()) || !(await outbox.tryLock())) {
        vitals.turned()
        await pause(settings.standbyMs, signal)
        if (isStopping()) return
      }
      vitals.holding(true)
      await hold(outbox)
    } finally {
      vitals.holding(false)
      await outbox.close().catch(() => undefined)
    }
  }

  const run = async (): Promise<void> => {
    for (let failures = 0; !isStopping();) {
      const startedAt = Date.now()
      try {
        await session()
      } catch (error) {
        if (isStopping()) return
        failures = Date.now() - startedAt > 30_000 ? 0 : failures + 1
        vitals.failed(messageOf(error))
        log.warn({ err: error, ...fields, failures }, 'the relay starts again')
        await pause(backoff(failures - 1, settings.retryMinMs, settings.retryMaxMs), signal)
      }
    }
  }

  const running = run()
  return {
    get isHolder() {
      return vitals.isHolder
    },
    async stop() {
      stopping.abort()
      await running
      vitals.close()
    },
  }
}
