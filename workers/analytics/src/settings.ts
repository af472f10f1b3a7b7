import { duration, type EnvironmentValues, integer, url } from '@veza/kit/env'

/** The worker's settings, for readEnv in whichever process it runs. */
export const analyticsEnvironment = {
  STREAMS_DATABASE_URL: url("streams' PostgreSQL database", undefined, {
    schemes: ['postgres', 'postgresql'],
  }),
  ANALYTICS_CHUNK: integer('reports and chat events that are counted in one transaction at most', 10_000, {
    min: 1,
    max: 50_000,
  }),
  ANALYTICS_PUBLISH_EVERY: duration("how often tracks' totals are told, where they changed", '2s'),
  ANALYTICS_SALTS_KEPT: duration(
    "how long a day's listeners can be counted again as the same; longer than listening.events.v1 is kept",
    '31d',
  ),
} as const

/** Their values. */
export type AnalyticsSettings = EnvironmentValues<typeof analyticsEnvironment>
