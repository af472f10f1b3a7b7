import { sql } from 'kysely'
import { searchForm } from '../domain/fields.ts'
import { type ReadDeps } from './me.ts'
import { presentProfiles, type Summary, summaryColumns } from './summaries.ts'
import { notBlocked } from './views.ts'

/** A place in a result: by how well it fits, then by id. */
export interface SearchPlace {
  /** Ten-thousandths, so that it is compared as it was read. */
  readonly score: number
  readonly userId: string
}

interface SearchValues extends Partial<SearchPlace>, Readonly<Record<string, unknown>> {
  readonly wanted: string
  /** Patterns of like: what begins with the words, has a word that does, has them anywhere. */
  readonly start: string
  readonly word: string
  readonly part: string
  readonly viewerId: string
  readonly limit: number
}

export type Found = Summary & { readonly score: number }

/** Of a name, how much of a query's trigrams a word in it has to have: the threshold of <%, by which the index is asked. */
export const searchParameters = { 'pg_trgm.word_similarity_threshold': 0.45 } as const

/**
 * People by name or handle, those that fit best first: whose name begins with the words, has them in it, or is spelt much
 * like them. Whoever does not want to be found is not, and nobody across a block.
 */
export const searchUsers = ({ views, prepare }: Pick<ReadDeps, 'views' | 'prepare'>) => {
  const page = (name: string, isNext: boolean) =>
    prepare(name, ({ wanted, start, word, part, viewerId, limit, score, userId }: SearchValues) => {
      // What contains the words goes before what only resembles them.
      const scored = sql<number>`(case when profiles.search like ${start} then 20000
        when profiles.search like ${word} then 15000
        when profiles.search like ${part} then 10000 else 0 end
        + round((word_similarity(${wanted}, profiles.search) * 10000)::numeric))::int`
      return presentProfiles(views)
        .select([...summaryColumns, scored.as('score')])
        .where('profiles.searchable', '=', true)
        .where(sql<boolean>`(profiles.search like ${part} or ${wanted} <% profiles.search)`)
        .where(notBlocked(views, viewerId, 'profiles.user_id'))
        .$if(isNext, (query) =>
          query.where(sql<boolean>`(${scored}, profiles.user_id) < (${score}::int, ${userId}::uuid)`),
        )
        .orderBy('score', 'desc')
        .orderBy('profiles.user_id', 'desc')
        .limit(sql<number>`${limit}`)
    })
  const [first, next] = [page('users-search', false), page('users-search-next', true)]

  return (
    text: string,
    viewerId: string,
    { after, limit }: { after: SearchPlace | undefined; limit: number },
  ): Promise<Found[]> => {
    const wanted = searchForm(text)
    if (wanted === '') return Promise.resolve([])
    const escaped = wanted.replaceAll(/[\\%_]/g, String.raw`\$&`)
    const patterns = { start: `${escaped}%`, word: `% ${escaped}%`, part: `%${escaped}%` }
    return (after === undefined ? first : next)({ wanted, ...patterns, viewerId, limit, ...after })
  }
}
