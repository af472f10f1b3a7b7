import { type EnvironmentValues, flag } from '../env/index.ts'
import { redisEnvironment } from '../redis/index.ts'

/** Of a process that keeps what it reads. */
export const cacheEnvironment = {
  ...redisEnvironment,
  CACHE_READS: flag(
    'whether what is read often is kept in the process and in Redis; false: every reading is one of the database',
    true,
  ),
} as const

/** Their values. */
export type CacheSettings = EnvironmentValues<typeof cacheEnvironment>
