import { type types } from 'avsc'
import { headerLength } from './codec.ts'
import { PoisonRecord } from './errors.ts'
import { newestVersion, schemaVersions } from './schemas.ts'
import { type RecordName, type RecordOf, type Topic } from './topics.ts'

type Resolver = ReturnType<types.RecordType['createResolver']>

/** By record and version. What is read most, the newest version, needs none. */
const resolvers = new Map<string, Resolver>()

/** The version that a codec's encode writes: what is kept beside bytes that are to be read by decodeStored. */
export const writtenVersion = (record: RecordName): number => newestVersion(record).version

/**
 * Reads bytes that a codec's encode wrote some time ago, of any version, into the newest one's shape. The version is
 * known from beside the bytes, so no registry is asked, and the id in the bytes means nothing. Gives undefined for a
 * version that is newer than those known here: a newer release wrote it, and the codec can ask the registry for it.
 * @throws PoisonRecord for bytes that are no such record, or a record that the topic does not carry
 */
export function decodeStored<T extends Topic>(
  topic: T,
  record: string,
  version: number,
  bytes: Buffer,
): RecordOf<T> | undefined {
  const name = topic.records.find((carried) => carried === record)
  if (name === undefined) throw new PoisonRecord('wrong-record', `${topic.name} does not carry ${record}`)
  const { type: reader, version: newest } = newestVersion(name)
  if (version > newest) return undefined
  const resolver = version === newest ? undefined : resolverOf(name, version, reader)
  let decoded: { value: unknown; offset: number }
  try {
    decoded = reader.decode(bytes, headerLength, resolver)
  } catch (cause) {
    throw new PoisonRecord('malformed', `not a ${record} v${version}`, { cause })
  }
  if (decoded.offset !== bytes.length)
    throw new PoisonRecord('malformed', `not a ${record} v${version}: wrong length`)
  return { type: name, value: decoded.value } as RecordOf<T>
}

function resolverOf(record: RecordName, version: number, reader: types.RecordType): Resolver {
  const key = `${record}.v${version}`
  const known = resolvers.get(key)
  if (known) return known
  const writer = schemaVersions.get(record)?.[version - 1]
  if (!writer) throw new PoisonRecord('unknown-schema', `there is no ${key}`)
  const resolver = reader.createResolver(writer.type)
  resolvers.set(key, resolver)
  return resolver
}
