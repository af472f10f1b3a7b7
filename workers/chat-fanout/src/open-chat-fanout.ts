import { type ChatDatabase, type RoomLog, roomLog } from '@veza/chat/store'
import { topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { type Producer } from '@veza/kit/kafka'
import { openDatabase } from '@veza/kit/postgres'
import { type HostedWorker, runWorker, type WorkerCommon, type WorkerSettings } from '@veza/kit/worker'
import { watchFaults } from './faults.ts'
import { sequence } from './sequence.ts'
import { type chatFanoutEnvironment } from './settings.ts'
import { tellSender } from './tell-sender.ts'

/** What tests have of their own. */
export interface ChatFanoutOverrides {
  readonly name?: string
  readonly topic?: typeof topics.chatCommands
  readonly producer?: Producer
  readonly deadLetter?: Producer
  /** Settles the chunks; who gets a dead letter is told by the database's own log. */
  readonly log?: RoomLog
  readonly settings?: WorkerSettings
}

/** Gives commands their outcomes. Opens the worker on chat's migrated database. */
export const openChatFanout = (
  env: EnvironmentValues<typeof chatFanoutEnvironment>,
  { kafka, codec, health, telemetry, log, fail, instance }: WorkerCommon,
  overrides: ChatFanoutOverrides = {},
): HostedWorker => {
  const { name = 'chat-fanout', topic = topics.chatCommands, settings } = overrides
  const database = openDatabase<ChatDatabase>(env.CHAT_DATABASE_URL, {
    applicationName: name,
    // One chunk at a time, and the health check.
    poolSize: 2,
    pipeline: true,
    log,
  })
  const rooms = roomLog(database)
  // A chunk's outcomes are one batch, and the next chunk waits for it.
  const producer = overrides.producer ?? kafka.producer({ lingerMs: 0 })
  // A dead letter is its record and the headers that say why: larger than any record that could be read.
  const deadLetter = overrides.deadLetter ?? kafka.producer({ maxBatchBytes: 1_900_000 })
  const chunks = watchFaults(
    sequence({ log: overrides.log ?? rooms, codec, producer, meter: telemetry.meter }),
  )
  const worker = runWorker({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    ...(instance !== undefined && { instance: `${name}@${instance}` }),
    topics: [topic],
    handleChunk: chunks.handleChunk,
    onDead: tellSender({ log: rooms, codec, producer }),
    dependencies: async () => chunks.fault() ?? (await database.check()) ?? (await kafka.admin.check()),
    settings: { maxChunkRecords: env.CHAT_FANOUT_CHUNK, ...settings },
  })
  worker.finished.catch(fail)
  return {
    name,
    async stop() {
      await worker.stop()
      await producer.close()
      await deadLetter.close()
      await database.close()
    },
  }
}
