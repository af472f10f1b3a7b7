export { openTracksErasure } from './open-tracks-erasure.ts'
export { tracksErasureEnvironment } from './settings.ts'
