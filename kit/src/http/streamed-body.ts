import { type HttpBindings } from '@hono/node-server'
import { Readable } from 'node:stream'

/**
 * A body that is sent while it is read. When reading fails in the middle the connection is broken: a response whose stream
 * fails would otherwise be ended as if that had been all.
 */
export const streamedBody = (
  c: { readonly env: unknown },
  source: AsyncIterable<Uint8Array>,
): ReadableStream => {
  const bytes = source instanceof Readable ? source : Readable.from(source, { objectMode: false })
  bytes.once('error', () => (c.env as Partial<HttpBindings> | undefined)?.outgoing?.destroy())
  return Readable.toWeb(bytes) as ReadableStream
}
