import { type Codec, type RecordOf, type Topic } from '@veza/contracts'

/** How the records of a topic are read. */
export interface Reader {
  readonly topic: Topic
  /** Whether anybody here is concerned, told by the key alone. */
  wants(key: string): boolean
  /**
   * Decodes a record's value and hands it over.
   *
   * @returns the id of a schema that is to be learnt first, after which it is to be read again
   * @throws PoisonRecord
   */
  read(value: Buffer): number | undefined
}

/** @param take is given what was decoded, synchronously */
export const createReader = <T extends Topic>(
  codec: Codec,
  topic: T,
  wants: (key: string) => boolean,
  take: (record: RecordOf<T>) => void,
): Reader => ({
  topic,
  wants,
  read(value) {
    const decoded = codec.decode(topic, value)
    if ('unknownSchemaId' in decoded) return decoded.unknownSchemaId
    take(decoded)
    return undefined
  },
})
