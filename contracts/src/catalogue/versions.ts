import { openRegistry, saysNoSchema, saysNoSubject, unavailable } from '../registry.ts'
import { versionsOf } from '../schemas.ts'
import { type RecordName, subjectOf, type Topic } from '../topics.ts'

/** Which version of which record a schema id stands for. */
export interface WrittenAs {
  readonly record: RecordName
  readonly version: number
}

/**
 * The ids that the registry has for a topic's records, all versions. What a newer release than this one wrote is not among
 * them. Rejects with RegistryUnavailable.
 */
export const schemaIds = async (
  registryUrl: string,
  topic: Topic,
): Promise<ReadonlyMap<number, WrittenAs>> => {
  const registry = openRegistry(registryUrl)
  const idOf = async (record: RecordName, text: string): Promise<number | undefined> => {
    try {
      return await registry.getId(subjectOf(topic, record), { schema: text, schemaType: 'AVRO' })
    } catch (error) {
      if (saysNoSchema(error) || saysNoSubject(error)) return undefined
      throw unavailable(registryUrl, error)
    }
  }
  const all = topic.records.flatMap((record) =>
    versionsOf(record).map(({ version, text }) => ({ record, version, text })),
  )
  const found = await Promise.all(
    all.map(async ({ record, version, text }) => [await idOf(record, text), { record, version }] as const),
  )
  return new Map(found.flatMap(([id, as]) => (id === undefined ? [] : [[id, as] as const])))
}

/** The schema id in a record's bytes; undefined: they are none of the Confluent format. */
export const schemaIdOf = (bytes: Buffer): number | undefined =>
  bytes.length >= 5 && bytes[0] === 0 ? bytes.readInt32BE(1) : undefined
