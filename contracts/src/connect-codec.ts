import { createCodec, type Codec } from './codec.ts'
import { PoisonRecord } from './errors.ts'
import { openRegistry, refuseAnswer, saysNoSchema, saysNoSubject, unavailable } from './registry.ts'
import { newestVersion } from './schemas.ts'
import { subjectOf, topics, type RecordName, type Topic } from './topics.ts'

/**
 * Looks up the ids of every newest version in the catalogue.
 * Rejects with RegistryUnavailable, or an Error that says which schema is not registered and how to register it.
 */
export async function connectCodec(registryUrl: string): Promise<Codec> {
  const registry = openRegistry(registryUrl)

  async function lookUp(topic: Topic, record: RecordName): Promise<readonly [string, number]> {
    const subject = subjectOf(topic, record)
    const { text, version } = newestVersion(record)
    try {
      const id: unknown = await registry.getId(subject, { schema: text, schemaType: 'AVRO' })
      return [subject, typeof id === 'number' ? id : refuseAnswer(registry)]
    } catch (error) {
      if (!saysNoSchema(error) && !saysNoSubject(error)) throw unavailable(registryUrl, error)
      const remedy = 'run `npm run contracts -- register`'
      throw new Error(`${subject} v${version} is not in the schema registry: ${remedy}`, { cause: error })
    }
  }

  const lookUps = Object.values<Topic>(topics).flatMap((topic) =>
    topic.records.map((record) => lookUp(topic, record)),
  )

  return createCodec(new Map(await Promise.all(lookUps)), async (id) => {
    try {
      // Ids are global, so no subject is named: which record the bytes hold is what we ask.
      const { schema }: { schema: unknown } = await registry.getBySubjectAndId('', id)
      return typeof schema === 'string' ? schema : refuseAnswer(registry)
    } catch (error) {
      if (!saysNoSchema(error)) throw unavailable(registryUrl, error)
      throw new PoisonRecord('unknown-schema', `the registry has no schema ${id}`, { cause: error })
    }
  })
}
