import { randomUUID } from 'node:crypto'
import { openCaches } from '@veza/kit/cache'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase } from '@veza/kit/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TracksDatabase } from '../adapters/schema.ts'
import { migrateTracks } from '../migrate.ts'
import { readFeed } from './feed.ts'
import { openMeantWords, searchParameters } from './meant-words.ts'
import { searchTracks } from './search.ts'
import { listTracks, type ReadDeps } from './tracks.ts'

const words = ['amber', 'blue', 'cold', 'dawn', 'echo', 'fire', 'glass', 'hollow', 'island', 'july']
const somebody = { userId: randomUUID(), moderator: false }
const ofAll = { scope: 'public', ownerId: undefined, labels: [] } as const
/** PostgreSQL plans a statement anew so many times before it compares that with a plan for any values. */
const plannedAnew = 5

describe('queries of tracks', () => {
  let fresh: Awaited<ReturnType<typeof freshDatabase>>
  beforeAll(async () => {
    fresh = await freshDatabase()
    await migrateTracks(fresh.url)
    const { pool, close } = open()
    const owners = Array.from({ length: 50 }, () => randomUUID())
    await pool.query(
      `insert into tracks (id, owner_id, version, status, visibility, title, description, tags, labels, search_text, source,
         source_bytes, media, recipe, duration_ms, uploaded_at, published_at)
       select uuidv7(- (n || ' seconds')::interval), ($2::uuid[])[1 + n % 50], 3, 'ready', 'public', title, '', '{}',
         array['genre:' || n % 10, 'tag:' || n / 10], title,
         md5(n::text), 5000000, 'media/' || md5(n::text), 1, 240000, now() - (n || ' seconds')::interval,
         now() - (n || ' seconds')::interval
       from (
         select n, ($1::text[])[1 + n % 10] || ' ' || ($1::text[])[1 + n / 10 % 10] || ' ' || n as title
         from generate_series(1, 20000) n) made`,
      [words, owners],
    )
    await pool.query(
      'insert into relations.follows (follower_id, followee_id) select $1, o from unnest($2::uuid[]) o',
      [somebody.userId, owners.slice(0, 20)],
    )
    await pool.query(
      `insert into search_words (word, seen)
       select distinct word, current_date from tracks, unnest(tsvector_to_array(search)) word`,
    )
    await pool.query('vacuum analyze')
    await close()
  })
  afterAll(() => fresh.drop())

  /** One connection, which remembers its statements. */
  const open = () =>
    openDatabase<TracksDatabase>(fresh.url, {
      ...{ applicationName: 'test', poolSize: 1, parameters: searchParameters },
      log: createLog('test', 'silent'),
    })

  const first = { after: undefined, limit: 20 }
  const queries: Record<string, (deps: ReadDeps) => (n: number) => Promise<unknown>> = {
    'the youngest'(deps) {
      const list = listTracks(deps)
      return () => list(ofAll, somebody, first)
    },
    'the feed'(deps) {
      const read = readFeed(deps)
      return () => read(somebody, first)
    },
    'several words, one of them mistyped'(deps) {
      const search = searchTracks({ ...deps, meant: openMeantWords(deps, openCaches()) })
      return (n) =>
        search(`${words[n % 10] ?? ''}x ${words[(n * 3) % 10] ?? ''}`, ofAll, somebody, {
          offset: 0,
          limit: 20,
        })
    },
  }
  it.for(Object.entries(queries))(
    'that are asked all the time are not planned each time: %s',
    async ([, make]) => {
      const { db, prepare, pool, close } = open()
      const run = make({ db, prepare })
      for (let n = 0; n < 20; n++) expect(await run(n)).toHaveLength(20)
      const { rows } = await pool.query<{ name: string; times: number }>(
        "select name, custom_plans as times from pg_prepared_statements where name like 'tracks-%'",
      )
      expect(rows.length).toBeGreaterThan(0)
      for (const { name, times } of rows) expect([name, times]).toEqual([name, Math.min(times, plannedAnew)])
      await close()
    },
  )

  it('find what has a rare label by the index of labels, and what has a frequent one among the youngest', async () => {
    const { db, prepare, close } = open()
    const scans = async (trx: typeof db) => {
      const { rows } = await sql<{ scans: number }>`
        select pg_stat_get_xact_numscans('tracks_labels'::regclass)::int as scans`.execute(trx)
      return rows[0]?.scans ?? 0
    }
    const read = (label: string) =>
      db.transaction().execute(async (trx) => {
        // Of this connection, and not of this transaction alone.
        const before = await scans(trx)
        const found = await listTracks({ db: trx, prepare })({ ...ofAll, labels: [label] }, somebody, first)
        return [found.length, (await scans(trx)) - before]
      })
    expect(await read('tag:7')).toEqual([10, 1])
    expect(await read('genre:7')).toEqual([20, 0])
    await close()
  })

  it('look up once what is meant by words that are mistyped alike, whoever asks', async () => {
    const { db, prepare, pool, close } = open()
    const caches = openCaches()
    caches.told()
    const search = searchTracks({ db, prepare, meant: openMeantWords({ db, prepare }, caches) })
    const titles = async (offset: number) =>
      (
        await search('amberx blue', ofAll, { userId: randomUUID(), moderator: false }, { offset, limit: 3 })
      ).map(({ title }) => title)
    expect((await titles(0)).filter((title) => /amber blue|blue amber/.test(title))).toHaveLength(3)
    expect(await titles(3)).toHaveLength(3)
    const { rows } = await pool.query(
      `select custom_plans + generic_plans as times from pg_prepared_statements where name = 'tracks-meant-words'`,
    )
    expect(rows).toEqual([{ times: 1 }])
    await close()
  })
})
