import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import type * as KafkaJs from 'kafkajs'
import { decodeMessages, FetchedBatch } from './fetched.ts'
import { groupByPartition, produceRequest } from './produce-request.ts'
import { stopIdleTimers } from './idle-timers.ts'

const require = createRequire(import.meta.url)

/**
 * kafkajs 2.2.4 with four of its modules replaced by ours. Its own take some fifteen allocations a record and copy a
 * batch's records once for each of them (groupMessagesPerPartition): half of a loaded edge's CPU.
 */
const replacements = {
  'producer/groupMessagesPerPartition.js': groupByPartition,
  'protocol/requests/produce/v3/request.js': produceRequest,
  'protocol/requests/fetch/v4/decodeMessages.js': decodeMessages,
  'consumer/batch.js': FetchedBatch,
}

/**
 * kafkajs' modules hold each other from when they are loaded, so whoever has loaded it already keeps a copy of theirs. What
 * is in the cache without being loaded is Node's, which expects to find it there: an import that was linked with ours.
 */
function loadKafkaJs(): typeof KafkaJs {
  const folder = dirname(require.resolve('kafkajs/package.json'))
  for (const [path, cached] of Object.entries(require.cache))
    if (path.startsWith(folder + sep) && cached?.loaded) Reflect.deleteProperty(require.cache, path)
  for (const [path, replacement] of Object.entries(replacements)) {
    const name = join(folder, 'src', path)
    require(name)
    const loaded = require.cache[name]
    if (loaded) loaded.exports = replacement
  }
  stopIdleTimers()
  return require('kafkajs') as typeof KafkaJs
}

export const { Kafka, logLevel } = loadKafkaJs()
