import { type ChatDatabase, noticeStore } from '@veza/chat/store'
import { topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { openDatabase } from '@veza/kit/postgres'
import { repeat } from '@veza/kit/repeat'
import { type HostedWorker, runWorker, type WorkerCommon } from '@veza/kit/worker'
import { type SourceTopic } from './happening.ts'
import { notify } from './notify.ts'
import { forgetNotices } from './forgetting.ts'
import { type notificationsEnvironment } from './settings.ts'

const forgetEveryMs = 60 * 60_000

/** What tests have of their own. */
export interface NotificationsOverrides {
  readonly topics?: readonly SourceTopic[]
  readonly name?: string
}

/** Tells users what waits for them. Opens the worker on chat's migrated database. */
export const openNotifications = (
  env: EnvironmentValues<typeof notificationsEnvironment>,
  { kafka, codec, health, telemetry, log, fail }: WorkerCommon,
  {
    name = 'notifications',
    topics: sources = [topics.chatEvents, topics.roomEvents],
  }: NotificationsOverrides = {},
): HostedWorker => {
  const database = openDatabase<ChatDatabase>(env.CHAT_DATABASE_URL, {
    applicationName: name,
    // One chunk at a time, the health check, and what is too old.
    poolSize: 3,
    log,
  })
  const notices = noticeStore(database)
  const producer = kafka.producer({ lingerMs: 0 })
  const deadLetter = kafka.producer({ maxBatchBytes: 1_900_000 })
  const worker = runWorker<SourceTopic>({
    ...{ name, kafka, codec, deadLetter, health, telemetry, log },
    topics: sources,
    handleChunk: notify({ notices, codec, producer }),
    dependencies: async () => (await database.check()) ?? (await kafka.admin.check()),
    // Most of what is read concerns nobody in particular. Fetched as it comes it costs those who talk the time that their
    // messages take.
    settings: { gatherMs: 100 },
  })
  worker.finished.catch(fail)
  const forgetting = repeat(
    'forget notices',
    { everyMs: forgetEveryMs, log },
    forgetNotices({ notices, keptMs: env.NOTIFICATIONS_KEPT }),
  )
  return {
    name,
    async stop() {
      await forgetting.close()
      await worker.stop()
      await producer.close()
      await deadLetter.close()
      await database.close()
    },
  }
}
