export { openTracksRelations } from './open-tracks-relations.ts'
export { replayTracksRelations } from './replay-tracks-relations.ts'
export { type TracksRelationsSettings, tracksRelationsEnvironment } from './settings.ts'
