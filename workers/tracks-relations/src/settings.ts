import { type EnvironmentValues, url } from '@veza/kit/env'

/** The worker's settings, for readEnv in whichever process it runs. */
export const tracksRelationsEnvironment = {
  TRACKS_DATABASE_URL: url("tracks' PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
} as const

/** Their values. */
export type TracksRelationsSettings = EnvironmentValues<typeof tracksRelationsEnvironment>
