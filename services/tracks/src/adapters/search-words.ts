import { type Kysely, sql } from 'kysely'
import { type TracksDatabase } from './schema.ts'

/**
 * The words that tracks can be found by, each once: what is mistyped is looked for among these, which are some ten thousand,
 * and never among tracks. When a word was last seen in a track is kept to the day, so that a word that is in many tracks
 * is written once a day, and locked by nobody else.
 */
export const createSearchWords = async (db: Kysely<unknown>): Promise<void> => {
  await sql`create table search_words (word text primary key, seen date not null)`.execute(db)
  await sql`create index search_words_trigrams on search_words using gin (word gin_trgm_ops)`.execute(db)
  await sql`create index search_words_seen on search_words (seen)`.execute(db)
  await sql`
    insert into search_words (word, seen)
    select distinct word, current_date from tracks, unnest(tsvector_to_array(search)) word
    where visibility = 'public' and status = 'ready' and taken_down is null`.execute(db)
  await sql`drop index tracks_trigrams`.execute(db)
}

/** What was stored with its marks, as `withoutMarks` leaves it. The old words are forgotten by the reviews to come. */
export const leaveMarksOut = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    with bare as (
      select id, normalize(regexp_replace(normalize(search_text, NFKD), '[\\u0300-\\u036f]', '', 'g'), NFC) as text
      from tracks)
    update tracks set search_text = bare.text from bare where tracks.id = bare.id and search_text <> bare.text`.execute(
    db,
  )
  await sql`
    insert into search_words (word, seen)
    select distinct word, current_date from tracks, unnest(tsvector_to_array(search)) word
    where visibility = 'public' and status = 'ready' and taken_down is null
    on conflict do nothing`.execute(db)
}

/** A column of words, as they are written in a tsquery: none of its signs means anything in them. */
export const asTerm = (column: string) =>
  sql<string>`('''' || replace(replace(${sql.ref(column)}, '\\', '\\\\'), '''', '''''') || '''')`

/** Remembers the words of a text. In the transaction that stores it; in one order for everybody. */
export const rememberWords = async (db: Kysely<TracksDatabase>, text: string): Promise<void> => {
  await sql`
    insert into search_words (word, seen)
    select word, current_date from unnest(tsvector_to_array(to_tsvector('simple', ${text}))) word
    where not exists (select from search_words known where known.word = word.word and seen >= current_date)
    order by word
    on conflict (word) do update set seen = excluded.seen`.execute(db)
}

/**
 * Looks at words that were last seen before yesterday: those that are in a track that can be found were seen today, and the
 * others are forgotten. @returns how many were looked at, at most `atOnce`
 */
export const reviewWords = async (db: Kysely<TracksDatabase>, atOnce: number): Promise<number> => {
  const { rows } = await sql<{ looked: number }>`
    with old as (
      select word, exists (
        select from tracks
        where search @@ ${asTerm('word')}::tsquery
          and visibility = 'public' and status = 'ready' and taken_down is null) as used
      from search_words where seen < current_date - 1 order by seen limit ${atOnce} for update skip locked),
    kept as (update search_words set seen = current_date from old where old.used and search_words.word = old.word),
    gone as (delete from search_words using old where not old.used and search_words.word = old.word)
    select count(*) as looked from old`.execute(db)
  return rows[0]?.looked ?? 0
}
