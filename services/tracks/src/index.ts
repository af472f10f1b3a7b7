export { openTracks, streamedBodies, type Tracks, type TracksCommon } from './open-tracks.ts'
export { type CatalogueProgress } from './commands/retranscode.ts'
export { openTracksOperations, type TracksOperations } from './open-operations.ts'
export { type TracksSettings, tracksEnvironment } from './settings.ts'
