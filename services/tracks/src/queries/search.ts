import { type RawBuilder, sql } from 'kysely'
import { asTerm } from '../adapters/search-words.ts'
import { type Actor } from '../domain/track.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'
import { foundBy, type ReadDeps } from './tracks.ts'

/**
 * Of what all can find by some words so many are ranked, the youngest: what has more hits has words that say little, and
 * to rank them all would be to read them all.
 */
export const mostHits = 300
/** As many of what has nearly the words, which is ranked by how near, and that takes longer. */
const mostNear = 100
/** Whoever finds so many by their own words has not mistyped them. */
const enough = 5

/** How many of a query's trigrams a word has to have: the threshold of <%, by which the index is asked. */
export const searchParameters = { 'pg_trgm.word_similarity_threshold': 0.45 } as const

/** Of a query, the words that may be mistyped, and of each the words that it may be meant to be. */
const [mostWords, mostAlternatives] = [8, 6]
/** Shorter words are in too many others. */
const shortestMistyped = 3

/** Whoever writes words in quotes or without others means them as they are. */
const operator = /"|(?:^|\s)-/

const oneWord = /^[\p{L}\p{M}\p{N}]+$/u

/**
 * What all may find by words, in any order; the best first. Where these are few, what they may find by words that are
 * nearly those comes behind: begun, with a letter too many, too few or another, or two of them the other way round.
 *
 * Not prepared: the plan depends on how frequent the words are, so each query is to have its own.
 */
export const searchTracks = ({ db }: Pick<ReadDeps, 'db'>) => {
  const find = async (
    query: RawBuilder<unknown>,
    o: { words: string; actor: Actor; rank: RawBuilder<unknown>; among: number; depth: number },
  ) => {
    // How frequent a word is, PostgreSQL knows, and takes the youngest tracks first where that ends soon. How frequent two
    // are together it can only guess, and a wrong guess reads a quarter of all tracks: so not by the order of an index.
    const youngest = oneWord.test(o.words) ? 'id' : 'uploaded_at'
    const rows = await db
      .selectFrom(
        foundBy(db, o.actor)
          .select([...trackColumns, 'search', 'search_text'])
          .where(sql<boolean>`search @@ ${query}`)
          .orderBy(youngest, 'desc')
          .limit(o.among)
          .as('hits'),
      )
      .select(trackColumns)
      .orderBy(o.rank, 'desc')
      .orderBy('id', 'desc')
      .limit(o.depth)
      .execute()
    return rows.map(toView)
  }

  /** undefined: there are no other words, or none are wanted. */
  const nearly = async (words: string): Promise<string | undefined> => {
    if (operator.test(words)) return undefined
    const { rows } = await sql<{ terms: string; isOther: boolean }>`
      with asked as (
        select lexeme, length(lexeme) as letters, exists (select from search_words where word = lexeme) as known
        from unnest(to_tsvector('simple', ${words})) order by positions[1] limit ${mostWords}),
      doubtful as (
        -- A word that tracks have is none of the mistyped ones, while there are others.
        select lexeme, letters, letters >= ${shortestMistyped} and (not known or bool_and(known) over ()) as doubted
        from asked)
      select string_agg(${asTerm('meant.word')}, ' | ') as terms, bool_or(meant.word <> lexeme) as "isOther"
      from doubtful cross join lateral (
        select lexeme as word
        union (select word from search_words
          where word %> lexeme and doubted
          order by similarity(word, lexeme) desc, word limit ${mostAlternatives})
        union (select word from search_words where doubted and word = any(array(
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
    const exact = sql`websearch_to_tsquery('simple', ${words})`
    const hits = await find(exact, {
      ...{ words, actor, rank: sql`ts_rank(search, ${exact})` },
      ...{ among: mostHits, depth: Math.max(depth, enough) },
    })
    if (hits.length < enough) {
      const query = await nearly(words)
      const rank = sql`word_similarity(${words}, search_text)`
      const near =
        query === undefined
          ? []
          : await find(sql`${query}::tsquery`, {
              words,
              actor,
              rank,
              among: mostNear,
              depth: depth + hits.length,
            })
      const ids = new Set(hits.map(({ id }) => id))
      hits.push(...near.filter(({ id }) => !ids.has(id)))
    }
    return hits.slice(offset, depth)
  }
}
