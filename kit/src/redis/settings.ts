import { type EnvironmentValues, flag, list, type Setting } from '../env/index.ts'

const schemes = ['redis:', 'rediss:']

const urls = (doc: string): Setting<string[]> => ({
  ...list(doc, []),
  shape: 'redis://user:password@host:port (rediss:// = TLS), of a cluster one or more separated by commas',
  parse: (text) => {
    const items = list(doc, []).parse(text)
    for (const item of items)
      // The text is not repeated: a URL may hold a password.
      if (!URL.canParse(item) || !schemes.includes(new URL(item).protocol)) throw new Error('is no Redis URL')
    return items
  },
})

/** Where the shared cache and the shared limits are. */
export const redisEnvironment = {
  REDIS_URL: urls('Redis, which processes share; without it each caches and limits for itself'),
  REDIS_CLUSTER: flag('whether REDIS_URL names nodes of a Redis Cluster', false),
} as const

/** Their values. */
export type RedisSettings = EnvironmentValues<typeof redisEnvironment>
