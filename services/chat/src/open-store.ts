import { type Codec, topics } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { eventStore } from '@veza/kit/events'
import { type Producer } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { type ForgetfulStore } from '@veza/kit/personal-data'
import { openDatabase } from '@veza/kit/postgres'
import { createSealing, openKeyEncryption } from '@veza/kit/sealing'
import { erasure } from './adapters/erasure.ts'
import { roomStore } from './adapters/rooms.ts'
import { type ChatDatabase } from './adapters/schema.ts'
import { eraseUser } from './commands/erase-user.ts'
import { type chatStoreEnvironment } from './settings.ts'

/**
 * Chat's migrated database, for the worker that forgets people. What they wrote is asked of chat-fanout by the producer,
 * which the store closes. Throws EnvironmentError when no key is configured.
 */
export const openChatStore = (
  settings: EnvironmentValues<typeof chatStoreEnvironment>,
  {
    log,
    codec,
    producer,
    applicationName,
    now = () => new Date(),
  }: {
    readonly log: Logger
    readonly codec: Codec
    readonly producer: Pick<Producer, 'sendAll' | 'close'>
    readonly applicationName: string
    readonly now?: () => Date
  },
): ForgetfulStore => {
  const keyEncryption = openKeyEncryption(settings, log)
  const { db, check, close } = openDatabase<ChatDatabase>(settings.CHAT_DATABASE_URL, {
    ...{ applicationName, poolSize: 2, log },
  })
  return {
    erase: eraseUser({
      erasure: erasure(db, createSealing({ db, keyEncryption })),
      rooms: roomStore(db, eventStore({ topic: topics.roomEvents, codec })),
      ...{ codec, now },
      send: async (records) => {
        await producer.sendAll(records)
      },
    }),
    check,
    async close() {
      await producer.close()
      keyEncryption.close()
      await close()
    },
  }
}
