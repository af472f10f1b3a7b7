import { type Codec } from '@veza/contracts'
import { type EnvironmentValues } from '@veza/kit/env'
import { type Logger } from '@veza/kit/log'
import { type ForgetfulStore } from '@veza/kit/personal-data'
import { openDatabase } from '@veza/kit/postgres'
import { createSealing, openKeyEncryption } from '@veza/kit/sealing'
import { type TracksDatabase } from './adapters/schema.ts'
import { openPlaylists } from './adapters/playlists.ts'
import { openTracks } from './adapters/tracks.ts'
import { eraseOwner } from './commands/erase-owner.ts'
import { type tracksStoreEnvironment } from './settings.ts'

/** Tracks' migrated database, for the worker that forgets people. Throws EnvironmentError when no key is configured. */
export const openTracksStore = (
  settings: EnvironmentValues<typeof tracksStoreEnvironment>,
  {
    log,
    codec,
    applicationName,
    now = () => new Date(),
  }: {
    readonly log: Logger
    readonly codec: Codec
    readonly applicationName: string
    readonly now?: () => Date
  },
): ForgetfulStore => {
  const keyEncryption = openKeyEncryption(settings, log)
  const { db, check, close } = openDatabase<TracksDatabase>(settings.TRACKS_DATABASE_URL, {
    ...{ applicationName, poolSize: 2, log },
  })
  return {
    erase: eraseOwner({
      ...{ db, tracks: openTracks(codec), playlists: openPlaylists(db, codec) },
      ...{ sealing: createSealing({ db, keyEncryption }), now },
    }),
    check,
    async close() {
      keyEncryption.close()
      await close()
    },
  }
}
