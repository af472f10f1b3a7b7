import { type Codec } from '@veza/contracts'
import { type AddressBook, addressBook } from '@veza/kit/audit'
import { eventStore } from '@veza/kit/events'
import { type Logger } from '@veza/kit/log'
import { openDatabase, type Prepare } from '@veza/kit/postgres'
import { createSealing, type KeyEncryption, openKeyEncryption, type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { createPersonalData, type PersonalData } from './adapters/personal-data.ts'
import { usersTopic } from './adapters/publish.ts'
import { type UsersDatabase, type ViewsDatabase } from './adapters/schema.ts'
import { openStreams, type Streams } from './adapters/streams.ts'
import { usersViews } from './adapters/views-schema.ts'
import { searchParameters } from './queries/search.ts'
import { type UsersStoreSettings } from './settings.ts'

/** Users' data, open: for the service, and for the workers of its context. */
export interface UsersStore {
  readonly db: Kysely<UsersDatabase>
  /** The live views: `db` of another type, in the schema `views`. */
  readonly views: Kysely<ViewsDatabase>
  readonly prepare: Prepare
  readonly keyEncryption: KeyEncryption
  readonly sealing: Sealing
  readonly personal: PersonalData
  readonly addresses: AddressBook
  readonly streams: Streams
  /** undefined, or what is wrong with the database. */
  check(): Promise<string | undefined>
  close(): Promise<void>
}

/** Opens the migrated database ('@veza/users/migrate'). Throws EnvironmentError when no key is configured. */
export const openUsersStore = (
  settings: UsersStoreSettings,
  o: { readonly name: string; readonly poolSize: number; readonly codec: Codec; readonly log: Logger },
): UsersStore => {
  const keyEncryption = openKeyEncryption(settings, o.log)
  const database = openDatabase<UsersDatabase & ViewsDatabase>(settings.USERS_DATABASE_URL, {
    applicationName: o.name,
    poolSize: o.poolSize,
    parameters: searchParameters,
    log: o.log,
  })
  // One pool, two types: what users writes itself, and the views, which are in a schema of their own.
  const db = database.db as unknown as Kysely<UsersDatabase>
  const views = database.db.withSchema(usersViews.schema) as unknown as Kysely<ViewsDatabase>
  const sealing = createSealing({ db, keyEncryption })
  const personal = createPersonalData(sealing)
  return {
    ...{ db, views, prepare: database.prepare, keyEncryption, sealing, personal },
    addresses: addressBook(sealing, 'users'),
    streams: openStreams(eventStore({ topic: usersTopic, codec: o.codec }), personal),
    check: () => database.check(),
    async close() {
      keyEncryption.close()
      await database.close()
    },
  }
}
