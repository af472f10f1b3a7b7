import { type Codec, type Topic } from '@veza/contracts'
import { schemaIdOf, sealedText, type WrittenAs } from '@veza/contracts/catalogue'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { decodeChunk } from '@veza/kit/worker'

/** A record as people and their tools read it. */
export interface Line {
  readonly partition: number
  readonly offset: number
  /** As the broker has it, RFC 3339. */
  readonly timestamp: string
  readonly key: string | null
  /** null: a tombstone, or bytes that are no record of the topic. */
  readonly record: string | null
  /** Of the schema that it was written with; null: one that this release does not know. */
  readonly version: number | null
  /** Bytes are sealed, and shown as such. */
  readonly value: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Why it can't be decoded. */
  readonly error?: string
}

const headersOf = ({ headers }: ConsumedRecord): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString() ?? '']))

const shown = (value: unknown): unknown => {
  if (Buffer.isBuffer(value)) return sealedText(value.length)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shown(inner)]))
}

/**
 * Decodes records of a topic, in their order. What can't be decoded is a line too, with the reason; of a topic that carries
 * bytes as they were, which have no names, each value is shown in base64 with its headers.
 */
export const linesOf = async (
  { codec, ids }: { readonly codec: Codec; readonly ids: ReadonlyMap<number, WrittenAs> },
  topic: Topic,
  records: readonly ConsumedRecord[],
  { withHeaders = false } = {},
): Promise<Line[]> => {
  const isOpaque = topic.records.length === 0
  const values = isOpaque ? [] : records.filter(({ value }) => value !== null)
  const { messages, poison } = await decodeChunk(codec, new Map([[topic.name, topic]]), values)
  const decoded = new Map(messages.map((message) => [message.record, message]))
  const refused = new Map(poison.map(({ record, error }) => [record, error.message]))
  return records.map((record): Line => {
    const { partition, offset, timestamp, key, value } = record
    const message = decoded.get(record)
    const error = refused.get(record)
    const id = value === null || isOpaque ? undefined : schemaIdOf(value)
    return {
      ...{ partition, offset, timestamp: new Date(timestamp).toISOString(), key },
      record: message?.type ?? null,
      version: (id === undefined ? undefined : ids.get(id)?.version) ?? null,
      value: isOpaque ? (value?.toString('base64') ?? null) : shown(message?.value ?? null),
      ...((withHeaders || isOpaque) && { headers: headersOf(record) }),
      ...(error !== undefined && { error }),
    }
  })
}
