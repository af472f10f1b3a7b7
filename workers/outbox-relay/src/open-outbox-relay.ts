import { EnvironmentError } from '@veza/kit/env'
import { runRelay } from '@veza/kit/outbox'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { contexts, type OutboxRelaySettings } from './settings.ts'

/** Less than a process has to stop. What is not acknowledged by then is published by the next relay. */
const deliveryTimeoutMs = 20_000

/**
 * One relay a context, each with a connection and a producer of its own. Several processes may run: of each shard one
 * relays, the others stand by.
 */
export const openOutboxRelay = (
  settings: OutboxRelaySettings,
  { kafka, telemetry, health, log }: Pick<WorkerCommon, 'kafka' | 'telemetry' | 'health' | 'log'>,
): HostedWorker => {
  const { OUTBOX_SHARD: shard, OUTBOX_SHARDS: shards } = settings
  if (shard >= shards)
    throw new EnvironmentError([`OUTBOX_SHARD is ${shard}: expected less than OUTBOX_SHARDS`])
  const relays = Object.entries(contexts).map(([context, setting]) =>
    runRelay({
      ...{ context, shard, shards, health, log },
      databaseUrl: settings[setting],
      producer: kafka.producer({ deliveryTimeoutMs, lingerMs: 0 }),
      meter: telemetry.meter,
      settings: { pollMaxMs: settings.OUTBOX_POLL },
    }),
  )
  return {
    name: 'outbox-relay',
    async stop() {
      await Promise.all(relays.map((relay) => relay.stop()))
    },
  }
}
