import { type Command } from './commands.ts'
import { type Reply } from './replies.ts'

/** One of the protocol's two encodings. */
export interface Encoding {
  /** The WebSocket subprotocol that asks for it. */
  readonly subprotocol: string
  /** Whether its frames are binary ones. */
  readonly isBinary: boolean
  /**
   * The commands of a frame, in order; `undefined` for what is no command, or for a frame without any. What follows
   * that need not be read. Keeps no reference to the bytes.
   */
  decode(frame: ArrayBuffer): Iterable<Command | undefined>
  /** One frame of all of them. */
  encode(replies: readonly Reply[]): string | Uint8Array
}
