import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectCodec } from '@veza/contracts'
import { registerSchemas } from '@veza/contracts/deploy'
import { createEventStore, eventStore } from '@veza/kit/events'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { runRelay } from '@veza/kit/outbox'
import { migrate, openDatabase } from '@veza/kit/postgres'
import { createModel, hasReached, replay, runProjection } from '@veza/kit/projection'
import { freshDatabase, freshGroup, freshTopic, infrastructure, testTelemetry } from '@veza/kit/testing'
import { expect, it, onTestFinished } from 'vitest'
import golden from '../../contracts/golden/MessagePosted.v1.json' with { type: 'json' }
import {
  bookTopic,
  type BooksDatabase,
  type BookTopic,
  bookViews,
  decide,
  emptyBook,
  evolve,
  read,
  Rejection,
  signBook,
} from './guestbook.ts'

const root = join(import.meta.dirname, '../..')
const log = createLog('test', 'silent')

/** What the chapter's code stands in: a database, a topic, a relay and the projection's worker. */
const start = async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  await registerSchemas(schemaRegistryUrl)
  const codec = await connectCodec(schemaRegistryUrl)
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrate(fresh.url, { '001-events': { up: createEventStore } })
  const database = openDatabase<BooksDatabase>(fresh.url, { applicationName: 'test', poolSize: 8, log })
  onTestFinished(() => database.close())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const { name, drop } = await freshTopic({ prefix: 'books', partitions: 2 })
  onTestFinished(() => drop())
  const topic = { ...bookTopic, name } as unknown as BookTopic
  const common = { kafka, codec, telemetry, log, health: createHealth() }
  const relay = runRelay({
    ...{ context: 'books', databaseUrl: fresh.url, producer: kafka.producer() },
    ...{ meter: telemetry.meter, health: common.health, log },
  })
  onTestFinished(() => relay.stop())
  const views = { ...bookViews(topic), name: freshGroup('book-views') }
  await createModel(database.db, views)
  const work = async () => {
    const worker = await runProjection(views, database, {
      ...common,
      fail: (error) => {
        throw error
      },
    })
    onTestFinished(() => worker.stop())
  }
  return { database, store: eventStore({ topic, codec }), views, kafka, codec, work }
}

it('a guestbook is signed once by each, read where it was written, and made anew', async () => {
  const { database, store, views, kafka, codec, work } = await start()
  const { db } = database
  const sign = signBook(db as never, store)
  const [bookId, ana, bob] = [randomUUID(), randomUUID(), randomUUID()]
  expect(await sign({ bookId, by: ana, text: 'Hello' })).toBe(1)
  await expect(sign({ bookId, by: ana, text: 'Again' })).rejects.toThrow(Rejection)
  const once = { idempotencyKey: 'bob signs' }
  expect(await sign({ bookId, by: bob, text: 'Hi' }, once)).toBe(2)
  expect(await sign({ bookId, by: bob, text: 'Hi' }, once)).toBe(2)

  await work()
  const stream = `book-${bookId}`
  expect(await hasReached(db, 'book_views', { stream, version: 2 }, 30_000)).toBe(true)
  const entries = () =>
    db.withSchema('book_views').selectFrom('entries').select(['by', 'text', 'page']).orderBy('text').execute()
  const written = [
    { by: ana, text: 'Hello', page: 1 },
    { by: bob, text: 'Hi', page: 1 },
  ]
  expect(await entries()).toEqual(written)
  await db.withSchema('book_views').deleteFrom('entries').execute()
  await replay(views, db, { kafka, codec })
  expect(await entries()).toEqual(written)
})

it('what was signed before pages had numbers is read as if it had always been so', async () => {
  const { database, store } = await start()
  const payload = Buffer.concat([Buffer.from([0, 9, 9, 9, 9]), Buffer.from(golden.hex, 'hex')])
  await database.pool.query(
    `insert into events.events (position, stream, version, event_id, type, schema_version, payload, topic, key)
    values (1, 'book-old', 1, gen_random_uuid(), 'MessagePosted', 1, $1, $2, 'old')`,
    [payload, store.topic.name],
  )
  const [signed] = read(await store.readStream(database.db, 'book-old'))
  expect(signed).toMatchObject({ by: golden.value.senderId, text: golden.value.body, page: 0 })
})

it('everybody signs once: given, when, then, without a database', () => {
  const at = new Date(0)
  const given = decide(emptyBook, 'ana', 'Hello', at).reduce(evolve, emptyBook)
  expect(decide(given, 'bob', 'Hi', at)).toEqual([{ by: 'bob', text: 'Hi', at, page: 1 }])
  expect(() => decide(given, 'ana', 'Again', at)).toThrow(Rejection)
})

it('the chapter shows this code, letter by letter', () => {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  const chapter = text('docs/events.md')
  const regions = [...text('test/docs/guestbook.ts').matchAll(/\/\/ #region (\w+)\n(.*?)\/\/ #endregion\n/gs)]
  expect(regions.map(([, name]) => name)).toEqual(['domain', 'mapper', 'command', 'projection'])
  for (const [, name, code] of regions) expect(chapter, name).toContain(`\`\`\`ts\n${code ?? ''}\`\`\`\n`)
  const [, field = ''] = /```json\n(.*?)```\n/s.exec(chapter) ?? []
  const schema = JSON.parse(text('contracts/schemas/veza.chat/MessagePosted.v2.avsc')) as { fields: object[] }
  expect(schema.fields.at(-1)).toEqual(JSON.parse(field))
})
