import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connectSink, flinkTable, singleRecordTopics, tablesPage } from './tables.ts'

it('is what the contracts say: `npm run catalogue` writes docs/tables.md anew', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/tables.md'), 'utf8')).toBe(tablesPage())
})

const of = (name: string) => {
  const found = singleRecordTopics().find(({ topic }) => topic.name === name)
  if (!found) throw new Error(`${name} carries not one record type`)
  return found
}

it('makes a stream of a topic: nulls where they may be, the time of the event, the key beside the value', () => {
  const table = flinkTable(of('listening.events.v1'))
  expect(table).toContain(
    'CREATE TABLE listening_reported (\n  `kafka_key` STRING NOT NULL,\n  `trackId` STRING NOT NULL,',
  )
  expect(table).toContain('`ownerId` STRING,')
  expect(table).toContain("WATERMARK FOR `reportedAt` AS `reportedAt` - INTERVAL '1' MINUTE")
  expect(table).toContain("'connector' = 'kafka'")
  expect(table).toContain(
    "'value.avro-confluent.subject' = 'listening.events.v1-veza.listening.ListeningReported'",
  )
})

it('makes a table of a compacted topic, whose key is its own', () => {
  const table = flinkTable(of('analytics.track-stats.v1'))
  expect(table).toContain('PRIMARY KEY (`kafka_key`) NOT ENFORCED')
  expect(table).toContain("'connector' = 'upsert-kafka'")
  expect(table).not.toContain('WATERMARK')
  expect(table).not.toContain('scan.startup.mode')
})

it('names the subjects of a sink as the registry does', () => {
  expect(connectSink(of('media.transcode.v1'))).toMatchObject({
    config: {
      topics: 'media.transcode.v1',
      'value.converter.value.subject.name.strategy':
        'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy',
    },
  })
})
