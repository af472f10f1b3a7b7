import { duration } from '../env/index.ts'

/** The settings of whoever takes audio in, for readEnv in whichever process it runs. */
export const audioEnvironment = {
  TRACK_MAX_DURATION: duration('length of a track at most', '3h'),
} as const
