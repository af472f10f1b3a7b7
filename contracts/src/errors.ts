/** Bytes in a topic that no later attempt will make readable: they belong in the dead-letter topic. */
export class PoisonRecord extends Error {
  override readonly name = 'PoisonRecord'
  readonly code: 'bad-magic' | 'unknown-schema' | 'wrong-record' | 'malformed'

  constructor(code: PoisonRecord['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The schema registry did not answer, or not with a yes or a no. Try again; dead-letter nothing. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable'
}
