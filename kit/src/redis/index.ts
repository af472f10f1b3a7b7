export { openRedis, type Redis, RedisGone, type RedisOptions, type Script, script } from './redis.ts'
export { redisEnvironment, type RedisSettings } from './settings.ts'
