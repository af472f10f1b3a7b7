import { type Codec } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { type TracksDatabase } from './adapters/schema.ts'
import { openTracks } from './adapters/tracks.ts'
import { catalogueProgress, type CatalogueProgress, retranscode } from './commands/retranscode.ts'

/** What operators do with tracks. */
export interface TracksOperations {
  /**
   * Asks for a stream by the recipe of today for every track that has one by another, behind all new uploads. Can be broken
   * off and run again.
   *
   * @param again whether to ask once more for those that could not be made
   * @returns how many were asked for
   */
  retranscode(options: { again: boolean; onAsked?: (asked: number) => void }): Promise<number>
  catalogue(): Promise<CatalogueProgress>
  close(): Promise<void>
}

/** Opens tracks' migrated database for operators. @param recipe version to move to; that of today unless given */
export const openTracksOperations = (
  settings: { readonly TRACKS_DATABASE_URL: string },
  { log, codec, recipe }: { readonly log: Logger; readonly codec: Codec; readonly recipe?: number },
): TracksOperations => {
  const { db, close } = openDatabase<TracksDatabase>(settings.TRACKS_DATABASE_URL, {
    ...{ applicationName: 'ops', poolSize: 2, log },
  })
  return {
    retranscode: retranscode(db, openTracks(codec), () => new Date(), recipe),
    catalogue: catalogueProgress(db, recipe),
    close,
  }
}
