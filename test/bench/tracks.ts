import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { startOwnVeza } from '../stack/veza.ts'
import { inParallel, register } from '../support/api.ts'
import { type Caller, type Kind, load, print, printProcesses } from './http-load.ts'
import { as } from './http-mix.ts'
import { watch } from './http.ts'
import { send, statusOf } from './requests.ts'
import { say, writeResult } from './output.ts'

/** What is asked of the bench of tracks' queries. */
export interface TracksBench {
  /** Requests a second, all kinds together. */
  readonly rate: number
  readonly seconds: number
  /** In the database. */
  readonly tracks: number
}

const people = 50
const warmupSeconds = 5
const words = (
  'amber blue cold dawn echo fire glass hollow island july kite lantern mirror night ocean paper quiet river silver thunder ' +
  'under velvet winter yellow zero after before city drift empty forest golden harbour iron journey'
).split(' ')

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

const word = (n: number): string => words[(n * 31) % words.length] ?? ''

/** @returns whether nothing failed */
export const benchTracks = async ({ rate, seconds, tracks }: TracksBench): Promise<boolean> => {
  const veza = await startOwnVeza('bench')
  try {
    const { http } = veza.endpoints
    const callers = await inParallel(4, Array.from({ length: people }), async (_, n): Promise<Caller> => {
      const email = `bench-${n}@example.org`
      return { person: await register(http, `Person ${n}`, { email }), email, isRefreshing: false }
    })
    const ids = await fillTracks(
      veza.stack.databaseUrls.tracks,
      tracks,
      callers.map(({ person }) => person.id),
    )
    const get = (caller: Caller, path: string): Promise<number> =>
      statusOf(send(http, 'GET', path, as(caller)))
    const kinds: readonly Kind[] = [
      {
        name: 'GET /v1/tracks/:id',
        share: 50,
        run: (_, caller, _other, n) => get(caller, `/v1/tracks/${ids[(n * 37) % ids.length] ?? ''}`),
      },
      { name: 'GET /v1/tracks', share: 15, run: (_, caller) => get(caller, '/v1/tracks') },
      {
        name: 'GET /v1/tracks?q= three words',
        share: 10,
        run: (_, caller, _other, n) => get(caller, `/v1/tracks?q=${word(n)} ${word(n + 3)} ${word(n + 7)}`),
      },
      {
        name: 'GET /v1/tracks?q= a word mistyped',
        share: 5,
        run: (_, caller, _other, n) => get(caller, `/v1/tracks?q=${word(n).slice(0, -1)}x ${word(n + 5)}`),
      },
      { name: 'GET /v1/feed', share: 15, run: (_, caller) => get(caller, '/v1/feed') },
      {
        name: 'GET /v1/tracks?scope=mine',
        share: 5,
        run: (_, caller) => get(caller, '/v1/tracks?scope=mine'),
      },
    ]
    say(`${tracks} tracks; warming up for ${warmupSeconds} s`)
    await load(http, callers, { rate: rate / 2, seconds: warmupSeconds, mix: kinds })
    const usage = watch(veza)
    const figures = await load(http, callers, { rate, seconds, mix: kinds })
    const processes = usage.stop()
    say(`\n${rate} requests a second for ${seconds} s`)
    print(figures)
    printProcesses(processes, seconds)
    writeResult('tracks', { rate, seconds, tracks, figures, processes })
    return figures.every(({ failed }) => failed === 0)
  } finally {
    await veza.stop()
  }
}
