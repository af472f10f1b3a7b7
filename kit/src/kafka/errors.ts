/**
 * - `timed-out`: not acknowledged within deliveryTimeout; it may have been written nevertheless.
 * - `too-large`: one record is beyond what a request or the broker takes. Not written.
 * - `unknown-topic`: topics are never created by sending. Not written.
 * - `rejected`: the broker refuses the record for good (authorisation, invalid record). Not written.
 * - `closed`: the producer was closed before it was sent.
 */
export type ProduceFailure = 'timed-out' | 'too-large' | 'unknown-topic' | 'rejected' | 'closed'

export class ProduceFailed extends Error {
  readonly code: ProduceFailure

  constructor(code: ProduceFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ProduceFailed'
    this.code = code
  }
}

/** More waits to be sent than the producer's settings allow. Nothing of this call was queued: slow the source down. */
export class QueueFull extends Error {
  constructor() {
    super('the producer has more unacknowledged records than it may hold')
    this.name = 'QueueFull'
  }
}
