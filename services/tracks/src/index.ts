export { openTracks, streamedBodies, type Tracks, type TracksCommon } from './open-tracks.ts'
export { type TracksSettings, tracksEnvironment } from './settings.ts'
