import { type Codec, RegistryUnavailable, type Topic } from '@veza/contracts'
import { schemaIds, type WrittenAs } from '@veza/contracts/catalogue'
import { openCodec } from '@veza/kit/codec'
import { list, readEnv, url } from '@veza/kit/env'
import { connectKafka, type Kafka, type OffsetRange } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'

const environment = {
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
} as const

/** What a command reads a topic by. */
export interface Source {
  readonly kafka: Kafka
  readonly codec: Codec
  /** Of the topic's records. */
  readonly ids: ReadonlyMap<number, WrittenAs>
  readonly ranges: readonly OffsetRange[]
}

/** Asks the brokers what a topic holds, in one line when they can't say. */
export const rangesOf = async (
  kafka: Kafka,
  brokers: readonly string[],
  topic: Topic,
): Promise<OffsetRange[]> => {
  try {
    return await kafka.admin.offsetRanges(topic.name)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${topic.name} at KAFKA_BROKERS (${brokers.join(', ')}): ${reason}`, { cause: error })
  }
}

/**
 * Connects to the brokers and the registry that the environment names, and closes what it opened when the work is done.
 * Rejects with EnvironmentError, or an Error of one line when either does not answer.
 */
export const withSource = async <T>(
  env: NodeJS.ProcessEnv,
  topic: Topic,
  work: (source: Source) => Promise<T>,
): Promise<T> => {
  const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl } = readEnv(environment, env)
  const log = createLog('data', 'fatal')
  const kafka = connectKafka(brokers, { clientId: 'data', log })
  try {
    const ranges = await rangesOf(kafka, brokers, topic)
    const ids = await schemaIds(registryUrl, topic)
    return await work({ kafka, ranges, ids, codec: await openCodec(registryUrl, log) })
  } catch (error) {
    if (error instanceof RegistryUnavailable)
      throw new Error(`SCHEMA_REGISTRY_URL: ${error.message}`, { cause: error })
    throw error
  } finally {
    await kafka.close()
  }
}
