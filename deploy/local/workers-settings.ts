import { authErasureEnvironment } from '@veza/auth-erasure'
import { integer, list, processEnvironment, url } from '@veza/kit/env'
import { outboxRelayEnvironment } from '@veza/outbox-relay'
import { usersExportsEnvironment } from '@veza/users-exports'
import { usersProfilesEnvironment } from '@veza/users-profiles'
import { usersViewsEnvironment } from '@veza/users-views'

/** The settings of the process that hosts the small workers. */
export const environment = {
  ...processEnvironment,
  ...outboxRelayEnvironment,
  ...authErasureEnvironment,
  ...usersViewsEnvironment,
  ...usersProfilesEnvironment,
  ...usersExportsEnvironment,
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('the Confluent-compatible schema registry'),
  INTERNAL_PORT: integer('the port of probes and metrics', 9083, { max: 65_535 }),
}
