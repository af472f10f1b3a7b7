import { type Cache, type Caches } from '@veza/kit/cache'
import { type Prepare } from '@veza/kit/postgres'
import { type Kysely, sql } from 'kysely'
import { asTerm } from '../adapters/search-words.ts'
import { type TracksDatabase } from '../adapters/schema.ts'

/** What words may be meant to be, by the words as they were typed. */
export type MeantWords = Cache<Meant>

interface Meant {
  /** As a tsquery, the words themselves among it; undefined: there are no others, or none are wanted. */
  readonly query: string | undefined
}

/** How many of a query's trigrams a word has to have: the threshold of <%, by which the index is asked. */
export const searchParameters = { 'pg_trgm.word_similarity_threshold': 0.45 } as const

/** Of a query, the words that may be mistyped, and of each the words that it may be meant to be. */
const [mostWords, mostAlternatives] = [8, 6]
/** Shorter words are in too many others. */
const shortestMistyped = 3

/** Whoever writes words in quotes or without others means them as they are. */
const operator = /"|(?:^|\s)-/

const maxBytes = 4 * 1024 ** 2
/** So much later a new word is guessed at by whom it would help; by themselves new words are found at once. */
const keptMs = 60_000

/**
 * The words that tracks have hardly change while one query is asked, its next page is, or somebody else's who mistypes it
 * in the same way; and where many are like the one that was typed, to look them up costs as much as the search.
 */
export const openMeantWords = (
  { db, prepare }: { readonly db: Kysely<TracksDatabase>; readonly prepare: Prepare },
  caches: Pick<Caches, 'open'>,
): MeantWords => {
  const lookUp = prepare('tracks-meant-words', ({ words }: { words: string }) => ({
    compile: () =>
      sql<{ terms: string; isOther: boolean }>`
        with asked as (
          select lexeme, length(lexeme) as letters, exists (select from search_words where word = lexeme) as known
          from unnest(to_tsvector('simple', ${words})) order by positions[1] limit ${sql.lit(mostWords)}),
        doubtful as (
          -- A word that tracks have is none of the mistyped ones, while there are others.
          select lexeme, letters, letters >= ${sql.lit(shortestMistyped)} and (not known or bool_and(known) over ()) as doubted
          from asked)
        select string_agg(${asTerm('meant.word')}, ' | ') as terms, bool_or(meant.word <> lexeme) as "isOther"
        from doubtful cross join lateral (
          select lexeme as word
          union (select word from search_words
            where word %> lexeme and doubted
            order by similarity(word, lexeme) desc, word limit ${sql.lit(mostAlternatives)})
          union (select word from search_words where doubted and word = any(array(
            select left(lexeme, at - 1) || substr(lexeme, at + 1, 1) || substr(lexeme, at, 1) || substr(lexeme, at + 2)
            from generate_series(1, letters - 1) at)))
        ) meant
        group by lexeme`.compile(db),
  }))
  return caches.open({
    name: 'meant-words',
    maxBytes,
    ttlMs: keptMs,
    async load(words) {
      const version = performance.now()
      if (operator.test(words)) return { version, value: { query: undefined } }
      const rows = await lookUp({ words })
      const query = rows.some(({ isOther }) => isOther)
        ? rows.map(({ terms }) => `(${terms})`).join(' & ')
        : undefined
      return { version, value: { query } }
    },
  })
}
