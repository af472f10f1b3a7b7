import { integer, url } from '@veza/kit/env'

/** The worker's settings, beside those of every process of workers. */
export const chatFanoutEnvironment = {
  CHAT_DATABASE_URL: url("chat's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
  CHAT_FANOUT_CHUNK: integer('commands of one transaction at most', 1_000, { min: 1, max: 10_000 }),
  INTERNAL_PORT: integer('the port of probes and metrics', 9082, { max: 65_535 }),
} as const
