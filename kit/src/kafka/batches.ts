import { ProduceFailed } from './errors.ts'
import { sizeOf } from './produce-request.ts'
import { createRecordEncoder, type EncodedRecord } from './record-encoder.ts'
import { type OutgoingRecord } from './types.ts'

/** The records of one topic in a batch. All who wait for one of them wait for the same promise. */
export interface Part {
  readonly topic: string
  readonly messages: EncodedRecord[]
  bytes: number
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** One produce request. */
export interface Batch {
  readonly parts: Part[]
  records: number
  bytes: number
}

export interface BatchLimits {
  readonly maxQueuedRecords: number
  readonly maxQueuedBytes: number
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
}

export interface Batches {
  /** Queues all or none. The promise settles with the records' parts. */
  add(records: readonly OutgoingRecord[]): Promise<void> | 'full'
  /** The oldest batch, closed to further records. */
  take(): Batch | undefined
  /** The part is about to be settled: its room may be used again. */
  release(part: Part): void
}

function newPart(topic: string): Part {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  // Whoever sent and did not wait is not to bring the process down: the producer logs what failed.
  promise.catch(() => undefined)
  return { topic, messages: [], bytes: 0, promise, resolve, reject }
}

/** What waits to be sent, cut into batches in order. */
export function createBatches(limits: BatchLimits): Batches {
  const queue: Batch[] = []
  const encoder = createRecordEncoder()
  let queuedRecords = 0
  let queuedBytes = 0

  function put(record: EncodedRecord): Part {
    const { topic } = record
    const bytes = sizeOf(record)
    let batch = queue.at(-1)
    if (!batch || batch.records >= limits.maxBatchRecords || batch.bytes + bytes > limits.maxBatchBytes) {
      batch = { parts: [], records: 0, bytes: 0 }
      queue.push(batch)
    }
    let part = batch.parts.find((known) => known.topic === topic)
    if (!part) {
      part = newPart(topic)
      batch.parts.push(part)
    }
    part.messages.push(record)
    part.bytes += bytes
    batch.records++
    batch.bytes += bytes
    return part
  }

  return {
    add(records) {
      if (queuedRecords + records.length > limits.maxQueuedRecords) return 'full'
      // Here, once: a batch that is sent again is the same bytes.
      const encoded = records.map((record) => encoder.encode(record))
      let total = 0
      for (const record of encoded) {
        const bytes = sizeOf(record)
        if (bytes > limits.maxBatchBytes) {
          const text = `a record of ${bytes} bytes is beyond the ${limits.maxBatchBytes} that a request may have`
          return Promise.reject(new ProduceFailed('too-large', text))
        }
        total += bytes
      }
      if (queuedBytes + total > limits.maxQueuedBytes) return 'full'
      queuedRecords += records.length
      queuedBytes += total
      const parts = new Set(encoded.map(put))
      const [only, ...others] = parts
      if (!only) return Promise.resolve()
      if (others.length === 0) return only.promise
      return Promise.all(Array.from(parts, (part) => part.promise)).then(() => undefined)
    },
    take: () => queue.shift(),
    release(part) {
      queuedRecords -= part.messages.length
      queuedBytes -= part.bytes
    },
  }
}
