import { type RawBuilder, sql } from 'kysely'
import { withoutMarks } from '../domain/texts.ts'
import { type Actor } from '../domain/visibility.ts'
import { type MeantWords } from './meant-words.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'
import { among, type Among, foundBy, type ReadDeps } from './tracks.ts'

/**
 * Of what all can find by some words so many are ranked, the youngest: what has more hits has words that say little, and
 * to rank them all would be to read them all.
 */
export const mostHits = 300
/** As many of what has nearly the words, which is ranked by how near, and that takes longer. */
const mostNear = 100
/** Whoever finds so many by their own words has not mistyped them. */
const enough = 5

const oneWord = /^[\p{L}\p{M}\p{N}]+$/u

interface SearchValues extends Readonly<Record<string, unknown>> {
  readonly userId: string
  readonly words: string
  /** What is meant by these, as a tsquery. */
  readonly meant?: string
  readonly limit: number
}

type Found = (userId: string) => ReturnType<typeof foundBy>

/**
 * What is found by words, in any order, among what all may find or what is the caller's; the best first. Where these are
 * few, what is found by words that are nearly those comes behind: begun, with a letter too many, too few or another, or two
 * of them the other way round.
 */
export const searchTracks = ({ db, prepare, meant }: ReadDeps & { readonly meant: MeantWords }) => {
  /** @param query what is asked of a column `search` */
  const ranked = (
    { userId, limit }: SearchValues,
    query: RawBuilder<unknown>,
    o: { found: Found; youngest: 'id' | 'uploaded_at'; rank: RawBuilder<unknown>; most: number },
  ) =>
    db
      .selectFrom(
        o
          .found(userId)
          .select([...trackColumns, 'search', 'search_text'])
          .where(sql<boolean>`search @@ ${query}`)
          .orderBy(o.youngest, 'desc')
          .limit(sql.lit(o.most))
          .as('hits'),
      )
      .select(trackColumns)
      .orderBy(o.rank, 'desc')
      .orderBy('id', 'desc')
      .limit(sql<number>`${limit}`)

  const searches = (o: {
    found: Found
    youngest: 'id' | 'uploaded_at'
    asked: (query: RawBuilder<unknown>) => RawBuilder<unknown>
  }) => ({
    exact: (values: SearchValues) => {
      const query = o.asked(sql`websearch_to_tsquery('simple', ${values.words})`)
      return ranked(values, query, { ...o, rank: sql`ts_rank(search, ${query})`, most: mostHits })
    },
    near: (values: SearchValues) =>
      ranked(values, o.asked(sql`${values.meant}::tsquery`), {
        ...{ ...o, rank: sql`word_similarity(${values.words}, search_text)`, most: mostNear },
      }),
  })
  const byAll: Found = (userId) => foundBy(db, { userId })
  // How frequent a word is, PostgreSQL knows, and takes the youngest tracks first where that ends soon: a plan for each.
  const one = searches({ found: byAll, youngest: 'id', asked: (query) => query })
  // How frequent two are together it can only guess, and a wrong guess reads a quarter of all tracks: so not by the order of
  // an index, and by one plan that is made without knowing the words.
  const asOne = {
    youngest: 'uploaded_at',
    asked: (query: RawBuilder<unknown>) => sql`(select ${query})`,
  } as const
  const several = searches({ ...asOne, found: byAll })
  const planned = ({ exact, near }: typeof one) => ({
    exact: (values: SearchValues) => exact(values).execute(),
    near: (values: SearchValues) => near(values).execute(),
  })
  const ofOne = planned(one)
  const ofSeveral = {
    exact: prepare('tracks-search', several.exact),
    near: prepare('tracks-search-near', several.near),
  }

  return async (
    typed: string,
    of: Among,
    { userId }: Actor,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<TrackView[]> => {
    const words = withoutMarks(typed)
    const found = among(db, of, userId)
    if (found === undefined) return []
    const isOfAll = of.scope === 'public' && of.ownerId === undefined && of.labels.length === 0
    const ofAll = oneWord.test(words) ? ofOne : ofSeveral
    // Of one person, or of a label, there are few, and by whose or what they are they are found.
    const find = isOfAll ? ofAll : planned(searches({ ...asOne, found: () => found }))
    const depth = Math.min(offset + limit, mostHits)
    const hits = await find.exact({ userId, words, limit: Math.max(depth, enough) })
    if (hits.length < enough) {
      const { value } = await meant.read(words)
      if (value?.query !== undefined) {
        const near = await find.near({ userId, words, meant: value.query, limit: depth + hits.length })
        const ids = new Set(hits.map(({ id }) => id))
        hits.push(...near.filter(({ id }) => !ids.has(id)))
      }
    }
    return hits.slice(offset, depth).map(toView)
  }
}
