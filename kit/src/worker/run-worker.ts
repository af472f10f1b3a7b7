import { type Topic } from '@veza/contracts'
import { backoff, type ChunkControl, type ConsumedRecord, pause } from '../kafka/index.ts'
import { messageOf } from '../log/index.ts'
import { deadLetterRecord } from './dead-letter.ts'
import { decodeChunk } from './decode.ts'
import { handleEach } from './handle-each.ts'
import { startSpans, type ChunkSpans } from './spans.ts'
import { type DeadRecord, type Message, type Outcome, type Worker, type WorkerOptions } from './types.ts'
import { createVitals } from './vitals.ts'

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

/** A chunk on its way through the handler. */
interface Run<T extends Topic> {
  readonly control: ChunkControl
  readonly spans: ChunkSpans<T>
  readonly failures: Map<ConsumedRecord, { attempts: number; firstFailedAt: number }>
}

/**
 * Reads topics as the consumer group `name` and gives their messages to the handler, chunk by chunk, until stop().
 * At least once: an effect must tolerate repetition. Offsets are committed after the effect; a message goes to the
 * dead-letter topic only when it cannot be read, when the handler says `dead`, or when it fails alone, again and again, with
 * everything around it healthy.
 */
export function runWorker<T extends Topic>(options: WorkerOptions<T>): Worker {
  const { name, codec, log } = options
  const settings = {
    retryMinMs: 100,
    retryMaxMs: 10_000,
    attemptsBeforeBisect: 5,
    notReadyAfterMs: 10_000,
    stalledAfterMs: 120_000,
    lagIntervalMs: 5000,
    ...options.settings,
  }
  const topics = new Map(options.topics.map((topic) => [topic.name, topic]))
  const handleChunk = 'handleChunk' in options ? options.handleChunk : handleEach(options.handle)
  const vitals = createVitals({
    name,
    kafka: options.kafka,
    topics: options.topics,
    meter: options.telemetry.meter,
    health: options.health,
    notReadyAfterMs: settings.notReadyAfterMs,
    stalledAfterMs: settings.stalledAfterMs,
    lagIntervalMs: settings.lagIntervalMs,
  })

  /** Until it works or the chunk is no longer ours, then it rejects. */
  async function insist<R>(what: string, control: ChunkControl, work: () => Promise<R>): Promise<R> {
    const { signal } = control
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted()
      try {
        const result = await work()
        vitals.recovered(control)
        return result
      } catch (error) {
        vitals.failed(control, `${what}: ${messageOf(error)}`, true)
        log.warn({ err: error, worker: name, attempt }, `${what} failed, trying again`)
        await pause(backoff(attempt, settings.retryMinMs, settings.retryMaxMs), signal)
      }
    }
  }

  async function bury(dead: DeadRecord<T>, run: Pick<Run<T>, 'control' | 'failures'>): Promise<void> {
    const { record, errorClass, reason } = dead
    const failure = run.failures.get(record)
    const letter = deadLetterRecord({
      group: name,
      record,
      errorClass,
      reason,
      attempts: failure?.attempts ?? 0,
      firstFailedAt: failure?.firstFailedAt ?? Date.now(),
    })
    const { control } = run
    await insist('producing a dead letter', control, () => options.deadLetter.send(letter))
    await insist('telling of a dead letter', control, () => options.onDead?.(dead) ?? Promise.resolve())
    vitals.deadLettered(errorClass)
    const { topic, partition, offset } = record
    log.error({ worker: name, topic, partition, offset, errorClass, reason }, 'a record was dead-lettered')
  }

  async function attempt(messages: readonly Message<T>[], run: Run<T>): Promise<readonly Outcome[]> {
    const started = performance.now()
    try {
      const outcomes = await handleChunk(messages, run.control)
      if (outcomes.length === messages.length) return outcomes
      throw new Error(`${outcomes.length} outcomes for ${messages.length} messages`)
    } finally {
      vitals.handled((performance.now() - started) / 1000)
    }
  }

  async function settle(
    messages: readonly Message<T>[],
    outcomes: readonly Outcome[],
    run: Run<T>,
  ): Promise<void> {
    for (const [index, message] of messages.entries()) {
      const outcome = outcomes[index]
      if (!outcome) continue
      if (outcome.kind === 'dead') {
        await bury({ record: message.record, message, errorClass: 'Dead', reason: outcome.reason }, run)
      }
      run.spans.end(message, outcome)
    }
    vitals.settled(outcomes)
  }

  /** A failure is infrastructure's until everything around is healthy and it goes on; then it is some message's own. */
  async function handle(
    messages: readonly Message<T>[],
    run: Run<T>,
    attemptsAllowed: number,
  ): Promise<void> {
    const { signal } = run.control
    let blamed = 0
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted()
      let failure: unknown
      try {
        const outcomes = await attempt(messages, run)
        vitals.recovered(run.control)
        await settle(messages, outcomes, run)
        return
      } catch (error) {
        signal.throwIfAborted()
        failure = error
      }
      note(messages, run)
      const down = await options.dependencies().catch(messageOf)
      blamed = down === undefined ? blamed + 1 : 0
      vitals.failed(run.control, down ?? messageOf(failure), down !== undefined)
      const fields = { err: failure, worker: name, messages: messages.length, failures, down }
      log.warn(fields, 'the handler failed, trying again')
      if (blamed >= attemptsAllowed) {
        await divide(messages, failure, run)
        return
      }
      await pause(backoff(failures, settings.retryMinMs, settings.retryMaxMs), signal)
    }
  }

  function note(messages: readonly Message<T>[], run: Run<T>): void {
    for (const { record } of messages) {
      const before = run.failures.get(record)
      run.failures.set(record, {
        attempts: (before?.attempts ?? 0) + 1,
        firstFailedAt: before?.firstFailedAt ?? Date.now(),
      })
    }
  }

  async function divide(messages: readonly Message<T>[], failure: unknown, run: Run<T>): Promise<void> {
    const [message, ...others] = messages
    if (!message) return
    if (others.length > 0) {
      const middle = Math.ceil(messages.length / 2)
      for (const half of [messages.slice(0, middle), messages.slice(middle)]) {
        // Halves show at once whether it is in them. A message alone gets all its attempts: it is about to be given up.
        await handle(half, run, half.length > 1 ? 1 : settings.attemptsBeforeBisect)
      }
      return
    }
    const outcome: Outcome = { kind: 'dead', reason: messageOf(failure) }
    await bury({ record: message.record, message, errorClass: nameOf(failure), reason: outcome.reason }, run)
    run.spans.end(message, outcome)
    vitals.settled([outcome])
    vitals.recovered(run.control)
  }

  async function workOn(records: ConsumedRecord[], control: ChunkControl): Promise<void> {
    const read = await insist('reading a chunk', control, () => decodeChunk(codec, topics, records))
    const failures: Run<T>['failures'] = new Map()
    for (const { record, error } of read.poison) {
      const reason = `${error.code}: ${error.message}`
      await bury({ record, message: undefined, errorClass: error.name, reason }, { control, failures })
    }
    if (read.messages.length === 0) return
    const spans = startSpans(options.telemetry.tracer, name, read.messages)
    try {
      await handle(spans.messages, { control, spans, failures }, settings.attemptsBeforeBisect)
    } finally {
      spans.abandon()
    }
  }

  async function onChunk(records: ConsumedRecord[], control: ChunkControl): Promise<void> {
    let done = false
    vitals.chunkStarted(records, control)
    try {
      await workOn(records, control)
      done = true
    } finally {
      vitals.chunkEnded(records, control, done)
    }
  }

  const { maxChunkRecords, maxChunkBytes, chunksAtOnce, gatherMs } = settings
  const { commitIntervalMs, sessionTimeoutMs, rebalanceTimeoutMs } = settings
  const joining = options.kafka.consume({
    groupId: name,
    ...(options.instance !== undefined && { instance: options.instance }),
    topics: [...topics.keys()],
    fromBeginning: true,
    onChunk,
    ...(maxChunkRecords !== undefined && { maxChunkRecords }),
    ...(maxChunkBytes !== undefined && { maxChunkBytes }),
    ...(chunksAtOnce !== undefined && { chunksAtOnce }),
    ...(gatherMs !== undefined && { gatherMs }),
    ...(commitIntervalMs !== undefined && { commitIntervalMs }),
    ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
    ...(rebalanceTimeoutMs !== undefined && { rebalanceTimeoutMs }),
  })

  let onFinished!: () => void
  let onFailed!: (error: unknown) => void
  const finished = new Promise<void>((resolve, reject) => {
    onFinished = resolve
    onFailed = reject
  })
  finished.catch(() => undefined)
  let joined = false
  const started = joining.then((consumer) => {
    joined = true
    vitals.joined(consumer)
  })
  started.catch(onFailed)

  let stopped: Promise<void> | undefined
  async function stop(): Promise<void> {
    // With Kafka away there is nothing to leave yet; whoever closes the connection ends the attempts to join.
    if (joined) await (await joining).stop()
    else void joining.then((consumer) => consumer.stop()).catch(() => undefined)
    vitals.close()
    onFinished()
  }

  return { started, finished, stop: () => (stopped ??= stop()) }
}
