/** A stream is not where the writer took it to be: somebody else appended meanwhile. Load again, decide again. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict'
  readonly stream: string
  readonly expectedVersion: number
  /** Where the stream is; 0 = it has no events. */
  readonly currentVersion: number

  constructor(stream: string, expectedVersion: number, currentVersion: number, options?: ErrorOptions) {
    super(`${stream} is at version ${currentVersion}, not ${expectedVersion}`, options)
    this.stream = stream
    this.expectedVersion = expectedVersion
    this.currentVersion = currentVersion
  }
}

/** An idempotency key came again for other streams than those that it was first used for. */
export class IdempotencyKeyReused extends Error {
  override readonly name = 'IdempotencyKeyReused'
}
