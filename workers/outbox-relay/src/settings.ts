import { duration, type EnvironmentValues, integer, url } from '@veza/kit/env'

const database = (context: string) =>
  url(`${context}'s PostgreSQL database, whose events are relayed`, undefined, {
    schemes: ['postgres', 'postgresql'],
  })

/** The setting that names each context's database. A context more is a line here and one below. */
export const contexts = {
  auth: 'AUTH_DATABASE_URL',
  chat: 'CHAT_DATABASE_URL',
  users: 'USERS_DATABASE_URL',
  tracks: 'TRACKS_DATABASE_URL',
} as const

/** The settings of the relay, for readEnv in whichever process it runs. */
export const outboxRelayEnvironment = {
  AUTH_DATABASE_URL: database('auth'),
  CHAT_DATABASE_URL: database('chat'),
  USERS_DATABASE_URL: database('users'),
  TRACKS_DATABASE_URL: database('tracks'),
  OUTBOX_SHARD: integer('which part of the keys this process relays, from 0', 0, { max: 999 }),
  OUTBOX_SHARDS: integer('into how many parts the keys are divided', 1, { min: 1, max: 1_000 }),
  OUTBOX_POLL: duration('how long an event that follows silence may wait until it is seen', '50ms'),
} as const

/** Their values. */
export type OutboxRelaySettings = EnvironmentValues<typeof outboxRelayEnvironment>
