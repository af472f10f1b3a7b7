import { authEnvironment } from '@veza/auth'
import { chatEnvironment } from '@veza/chat'
import { usersEnvironment } from '@veza/users'
import { streamsEnvironment } from '@veza/streams'
import { tracksEnvironment } from '@veza/tracks'
import { cacheEnvironment } from '@veza/kit/cache'
import { integer, list, string, url, processEnvironment } from '@veza/kit/env'

/** The settings of the process that serves all HTTP services. */
export const environment = {
  ...processEnvironment,
  ...cacheEnvironment,
  ...usersEnvironment,
  ...authEnvironment,
  ...chatEnvironment,
  ...tracksEnvironment,
  ...streamsEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  HOST: string('the address that clients reach', '127.0.0.1'),
  HTTP_PORT: integer('the port that clients reach', 8080, { max: 65_535 }),
  PAGE_DIR: string('the folder of the built page; empty: none is served', ''),
  REALTIME_URL: string('where the page finds the WebSocket edge; empty: at its own origin', ''),
  INTERNAL_PORT: integer('the port of probes, metrics and internal APIs', 9080, { max: 65_535 }),
}
