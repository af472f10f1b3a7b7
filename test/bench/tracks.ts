import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { startOwnVeza } from '../stack/veza.ts'
import { inParallel, register } from '../support/api.ts'
import { startHelper } from './helper.ts'
import { type LoadOrder } from './http-generator.ts'
import { type Caller, type Figures, print } from './http-load.ts'
import { measure, report, warmupSeconds } from './measure.ts'
import { say, writeResult } from './output.ts'
import { words } from './tracks-mix.ts'

/** What is asked of the bench of tracks' queries. */
export interface TracksBench {
  /** Requests a second, all kinds together. */
  readonly rate: number
  readonly seconds: number
  /** In the database. */
  readonly tracks: number
}

const people = 50

/**
 * Fills the table that queries read, as if so many tracks had been uploaded: 2,000 owners, titles of three words, five likes
 * each; one owner has a hundred followed by the callers.
 */
export const fillTracks = async (
  database: string,
  tracks: number,
  callers: readonly string[],
): Promise<string[]> => {
  const pool = new pg.Pool({ connectionString: database, max: 1 })
  const owners = Array.from({ length: 2_000 }, () => randomUUID())
  try {
    await pool.query(
      `insert into tracks (id, owner_id, version, status, visibility, title, description, artist, album, genre, tags,
         search_text, source, source_bytes, media, recipe, duration_ms, loudness, true_peak, gain, uploaded_at, published_at)
       select id, owner_id, 3, 'ready', case when n % 20 = 0 then 'private' else 'public' end, title, '', artist, null,
         genre, array[genre, 'live'], title || ' ' || artist || ' ' || genre, md5(n::text), 5000000,
         'media/' || repeat(md5(n::text), 2), 1, 240000, -9.5, -0.3, -4.5, at, at
       from (
         select n, uuidv7(- (n || ' seconds')::interval) as id, ($2::uuid[])[1 + n % array_length($2, 1)] as owner_id,
           ($3::text[])[1 + n % array_length($3, 1)] || ' ' || ($3::text[])[1 + (n * 7 / 5) % array_length($3, 1)] || ' ' || ($3::text[])[1 + (n / 36) % array_length($3, 1)] as title,
           'artist ' || ($3::text[])[1 + (n / 50) % array_length($3, 1)] || n % 997 as artist,
           (array['ambient', 'jazz', 'techno', 'folk', 'noise'])[1 + n % 5] as genre,
           now() - (n || ' seconds')::interval as at
         from generate_series(1, $1) n) made`,
      [tracks, owners, words],
    )
    await pool.query(
      `insert into likes (track_id, user_id, liked_at)
       select id, ($1::uuid[])[1 + (hashtext(id::text) & 1023)], now() from tracks, generate_series(1, 1)
       union select id, ($1::uuid[])[1 + (hashtext('a' || id::text) & 1023)], now() from tracks on conflict do nothing`,
      [owners],
    )
    await pool.query(
      'insert into relations.follows (follower_id, followee_id) select f, o from unnest($1::uuid[]) f, unnest($2::uuid[]) o',
      [callers, owners.slice(0, 100)],
    )
    await pool.query(
      `insert into search_words (word, seen)
       select distinct word, current_date from tracks, unnest(tsvector_to_array(search)) word on conflict do nothing`,
    )
    await pool.query('vacuum analyze search_words')
    await pool.query('vacuum analyze tracks')
    await pool.query('vacuum analyze likes')
    await pool.query('analyze relations.follows')
    const { rows } = await pool.query<{ id: string }>(
      "select id from tracks where visibility = 'public' order by hashtext(id::text) limit 5000",
    )
    return rows.map(({ id }) => id)
  } finally {
    await pool.end()
  }
}

/** @returns whether nothing failed */
export const benchTracks = async ({ rate, seconds, tracks }: TracksBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench')
  const generator = startHelper<LoadOrder, Figures[]>('http-generator.ts')
  try {
    const { http } = veza.endpoints
    const callers = await inParallel(4, Array.from({ length: people }), async (_, n): Promise<Caller> => {
      const email = `bench-${n}@example.org`
      return { person: await register(http, `Person ${n}`, { email }), email, isRefreshing: false }
    })
    const trackIds = await fillTracks(
      veza.stack.databaseUrls.tracks,
      tracks,
      callers.map(({ person }) => person.id),
    )
    say(`${tracks} tracks; warming up for ${warmupSeconds} s`)
    await generator.ask({ http, callers, trackIds, rate, seconds: warmupSeconds, mix: 'tracks' })
    const measuring = await measure(veza, { 'load generator': generator.pid })
    const figures = await generator.ask({ http, rate, seconds, mix: 'tracks' })
    const measured = await measuring.stop()
    say(`\n${rate} requests a second for ${seconds} s`)
    print(figures)
    report(measured)
    writeResult('tracks', { rate, seconds, tracks, figures, measured })
    return figures.every(({ failed }) => failed === 0)
  } finally {
    await generator.stop()
    await veza.stop()
  }
}
