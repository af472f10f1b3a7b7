import { type Context } from 'hono'
import { Problem } from './problem.ts'

/** Reads a body of unknown length; undefined when it is longer than the limit. */
const readWithin = async (
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const tooLarge = (limit: number): Problem =>
  new Problem(413, 'body-too-large', `The body may have at most ${limit} bytes`, {
    // What the client goes on sending is not worth reading.
    headers: { connection: 'close' },
  })

/** The problem with a request whose body has more than `limit` bytes. A chunked body is read to find out. */
export const bodyProblem = async (c: Context, limit: number): Promise<Problem | undefined> => {
  // node:http reads no more of a body than its length says.
  const length = c.req.header('content-length')
  if (length !== undefined) return Number(length) > limit ? tooLarge(limit) : undefined
  if (c.req.header('transfer-encoding') === undefined || c.req.raw.body === null) return undefined
  const body = await readWithin(c.req.raw.body, limit)
  if (body === undefined) return tooLarge(limit)
  c.req.raw = new Request(c.req.raw, { body })
  return undefined
}
