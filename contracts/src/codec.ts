import { type types } from 'avsc'
import { PoisonRecord } from './errors.ts'
import { type Records } from './generated/records.ts'
import { newestVersion, parseSchema } from './schemas.ts'
import { subjectOf, topics, type RecordName, type RecordOf, type Topic } from './topics.ts'

/** Encodes and decodes the values of records: a zero byte, the schema id (int32, big endian), Avro binary. */
export interface Codec {
  /**
   * Synchronous: ids of the newest versions were looked up by connectCodec. Longs are exact from -2^52 to 2^53 - 2
   * (avsc's arithmetic): all that counts and times need.
   * @throws Error when the value does not fit the schema, or the topic does not carry the record.
   */
  encode<T extends Topic, N extends T['records'][number]>(topic: T, type: N, value: Records[N]): Buffer
  /**
   * Reads any version into the newest one's shape. `unknownSchemaId`: the writer's schema is not known yet, await
   * learn(id) and decode again. Keeps no reference to the bytes.
   * @throws PoisonRecord
   */
  decode<T extends Topic>(topic: T, bytes: Buffer): RecordOf<T> | { unknownSchemaId: number }
  /**
   * Asks the registry for a writer's schema, one request at a time an id. Failures are not remembered.
   * Rejects with PoisonRecord (`unknown-schema`: the registry has no such id) or RegistryUnavailable (anything else).
   */
  learn(topic: Topic, schemaId: number): Promise<void>
}

/** Of Confluent's framing: a zero byte and the schema id. */
export const headerLength = 5
type Resolver = ReturnType<types.RecordType['createResolver']>

/** How to read what one schema id wrote; `record` is undefined when it is no record of the catalogue. */
interface Writer {
  readonly name: string
  readonly record?: RecordName
  readonly reader?: types.RecordType
  readonly resolver?: Resolver
}

const catalogue = new Set<RecordName>(
  Object.values(topics).flatMap((topic): readonly RecordName[] => topic.records),
)

function writerOf(schemaText: string): Writer {
  let written: types.RecordType
  try {
    written = parseSchema(schemaText)
  } catch {
    return { name: 'a schema that is no Avro record' }
  }
  const name = String(written.name)
  for (const record of catalogue) {
    const { namespace, type: reader } = newestVersion(record)
    if (name !== `${namespace}.${record}`) continue
    try {
      return { name, record, reader, resolver: reader.createResolver(written) }
    } catch {
      return { name: `${name} in a version that can't be read` }
    }
  }
  return { name }
}

/**
 * The codec without its registry.
 *
 * @param newestIds subject to the id of its newest version
 * @param fetchSchema the text of an id's schema; what it rejects with, learn rejects with
 */
export function createCodec(
  newestIds: ReadonlyMap<string, number>,
  fetchSchema: (id: number) => Promise<string>,
): Codec {
  const writers = new Map<number, Writer>()
  const learning = new Map<number, Promise<void>>()
  // Encoding is synchronous, so all encoders share one buffer; each result is copied out at its exact length.
  let scratch = Buffer.allocUnsafeSlow(32 * 1024)

  const encoders = new Map<RecordName, { id: number; type: types.RecordType }>()
  for (const topic of Object.values<Topic>(topics))
    for (const record of topic.records) {
      const id = newestIds.get(subjectOf(topic, record))
      if (id === undefined) continue
      const { type } = newestVersion(record)
      encoders.set(record, { id, type })
      writers.set(id, { name: String(type.name), record, reader: type })
    }

  async function fetchWriter(id: number): Promise<void> {
    writers.set(id, writerOf(await fetchSchema(id)))
  }

  return {
    encode(topic, type, value) {
      const encoder = encoders.get(type)
      if (!encoder || !topic.records.includes(type)) throw new Error(`${topic.name} carries no ${type}`)
      let end = encoder.type.encode(value, scratch, headerLength)
      if (end < 0) {
        // A negative result is the number of bytes that were missing.
        scratch = Buffer.allocUnsafeSlow(2 * (scratch.length - end))
        end = encoder.type.encode(value, scratch, headerLength)
      }
      scratch[0] = 0
      scratch.writeInt32BE(encoder.id, 1)
      const bytes = Buffer.allocUnsafe(end)
      scratch.copy(bytes, 0, 0, end)
      return bytes
    },

    decode<T extends Topic>(topic: T, bytes: Buffer): RecordOf<T> | { unknownSchemaId: number } {
      if (bytes.length < headerLength) throw new PoisonRecord('malformed', `${bytes.length} bytes: no header`)
      if (bytes[0] !== 0) throw new PoisonRecord('bad-magic', `first byte is ${String(bytes[0])}, not 0`)
      const id = bytes.readInt32BE(1)
      const writer = writers.get(id)
      if (!writer) return { unknownSchemaId: id }
      const { record, reader } = writer
      if (!record || !reader || !topic.records.includes(record))
        throw new PoisonRecord(
          'wrong-record',
          `schema ${id} is ${writer.name}, which ${topic.name} does not carry`,
        )
      let decoded: { value: unknown; offset: number }
      try {
        decoded = reader.decode(bytes, headerLength, writer.resolver)
      } catch (cause) {
        throw new PoisonRecord('malformed', `not a ${record}`, { cause })
      }
      if (decoded.offset !== bytes.length)
        throw new PoisonRecord(
          'malformed',
          `not a ${record}: ${decoded.offset < 0 ? 'truncated' : 'trailing bytes'}`,
        )
      return { type: record, value: decoded.value } as RecordOf<T>
    },

    learn(_topic, schemaId) {
      if (writers.has(schemaId)) return Promise.resolve()
      let pending = learning.get(schemaId)
      if (!pending) {
        pending = fetchWriter(schemaId).finally(() => learning.delete(schemaId))
        learning.set(schemaId, pending)
      }
      return pending
    },
  }
}
