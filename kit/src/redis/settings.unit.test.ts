import { expect, test } from 'vitest'
import { readEnv } from '../env/index.ts'
import { redisEnvironment } from './settings.ts'

test('REDIS_URL names one server, several nodes, or none', () => {
  const urls = (text?: string) => readEnv(redisEnvironment, { REDIS_URL: text }).REDIS_URL
  expect(urls()).toEqual([])
  expect(urls('rediss://ana:secret@a:6379')).toEqual(['rediss://ana:secret@a:6379'])
  expect(urls('redis://a:1,redis://b:2')).toEqual(['redis://a:1', 'redis://b:2'])
})

test.each(['http://:secret@a:1', 'secret', 'redis://a:1,secret'])(
  '%j is refused, and not repeated',
  (text) => {
    const read = () => readEnv(redisEnvironment, { REDIS_URL: text })
    expect(read).toThrow('REDIS_URL is no Redis URL')
    expect(read).not.toThrow('secret')
  },
)
