import { type RawBuilder, sql } from 'kysely'
import { asTerm } from '../adapters/search-words.ts'
import { type Actor } from '../domain/track.ts'
import { foundBy, type ReadDeps, toView, trackColumns, type TrackView } from './tracks.ts'

/**
 * Of what all can find by some words so many are ranked, the youngest: what has more hits has words that say little, and
 * to rank them all would be to read them all.
 */
export const mostHits = 300

/** How many of a query's trigrams a word has to have: the threshold of <%, by which the index is asked. */
export const searchParameters = { 'pg_trgm.word_similarity_threshold': 0.45 } as const

/** Of a query, the words that may be mistyped, and of each the words that it may be meant to be. */
const [mostWords, mostAlternatives] = [8, 6]
/** Shorter words are in too many others. */
const shortestMistyped = 3

/** Whoever writes words in quotes or without others means them as they are. */
const operator = /"|(?:^|\s)-/

/**
 * What all may find by words, in any order; the best first. Where these are fewer than a page, what they may find by words
 * that are nearly those comes behind: begun, with a letter too many, too few or another, or two of them the other way round.
 *
 * Not prepared: the plan depends on how frequent the words are, so each query is to have its own.
 */
export const searchTracks = ({ db }: Pick<ReadDeps, 'db'>) => {
  const find = async (query: RawBuilder<unknown>, words: string, actor: Actor, depth: number) => {
    const rows = await db
      .selectFrom(
        foundBy(db, actor)
          .select([...trackColumns, 'search', 'search_text'])
          .where(sql<boolean>`search @@ ${query}`)
          .orderBy('id', 'desc')
          .limit(mostHits)
          .as('hits'),
      )
      .select(trackColumns)
      // Both, since the one knows how near to each other the words are, and the other how near to what was meant.
      .orderBy(sql`ts_rank(search, ${query}) + word_similarity(${words}, search_text)`, 'desc')
      .orderBy('id', 'desc')
      .limit(depth)
      .execute()
    return rows.map(toView)
  }

  /** undefined: there are no other words, or none are wanted. */
  const nearly = async (words: string): Promise<string | undefined> => {
    if (operator.test(words)) return undefined
    const { rows } = await sql<{ terms: string; isOther: boolean }>`
      with asked as (
        select lexeme, length(lexeme) as letters
        from unnest(to_tsvector('simple', ${words})) order by positions[1] limit ${mostWords})
      select string_agg(${asTerm('meant.word')}, ' | ') as terms, bool_or(meant.word <> lexeme) as "isOther"
      from asked cross join lateral (
        select lexeme as word
        union (select word from search_words
          where word %> lexeme and letters >= ${shortestMistyped}
          order by similarity(word, lexeme) desc, word limit ${mostAlternatives})
        union (select word from search_words where letters >= ${shortestMistyped} and word = any(array(
          select left(lexeme, at - 1) || substr(lexeme, at + 1, 1) || substr(lexeme, at, 1) || substr(lexeme, at + 2)
          from generate_series(1, letters - 1) at)))
      ) meant
      group by lexeme`.execute(db)
    return rows.some(({ isOther }) => isOther) ? rows.map(({ terms }) => `(${terms})`).join(' & ') : undefined
  }

  return async (
    words: string,
    actor: Actor,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<TrackView[]> => {
    const depth = Math.min(offset + limit, mostHits)
    const hits = await find(sql`websearch_to_tsquery('simple', ${words})`, words, actor, depth)
    if (hits.length < depth) {
      const query = await nearly(words)
      const ids = new Set(hits.map(({ id }) => id))
      if (query !== undefined) {
        const near = await find(sql`${query}::tsquery`, words, actor, depth + hits.length)
        hits.push(...near.filter(({ id }) => !ids.has(id)).slice(0, depth - hits.length))
      }
    }
    return hits.slice(offset, depth)
  }
}
