import { ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { type ProtocolError, errors } from './protocol/codes.ts'
import { type Reply } from './protocol/replies.ts'

/** A connection, as the handlers of its commands see it. */
export interface Client {
  /** Empty until the connect command is accepted. */
  readonly userId: string
  /** What others know the connection by. */
  readonly clientId: string
  isClosed(): boolean
  /** Sends a reply or a push, together with the others that answer the same frame. */
  send(reply: Reply): void
  /** Answers a command with what went wrong, unless the connection is closed. */
  fail(id: number, error: unknown): void
}

/** A command that is refused, with the reply's error. */
export class Refused extends Error {
  readonly error: ProtocolError

  constructor(error: ProtocolError) {
    super(error.message)
    this.name = 'Refused'
    this.error = error
  }
}

/**
 * The reply's error for whatever a handler threw.
 *
 * @param report is told what is not the client's fault
 */
export const protocolError = (error: unknown, report: (error: unknown) => void): ProtocolError => {
  if (error instanceof Refused) return error.error
  report(error)
  if (error instanceof QueueFull) return errors.tooManyRequests
  const isPermanent =
    error instanceof ProduceFailed && (error.code === 'too-large' || error.code === 'rejected')
  return isPermanent ? errors.badRequest : errors.internal
}
