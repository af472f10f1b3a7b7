import { type Kysely, sql } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'
import { searchForm } from '../domain/fields.ts'
import { presentProfiles, type Summary, summaryColumns } from './summaries.ts'
import { notBlocked } from './views.ts'

/** A place in a result: by how well it fits, then by id. */
export interface SearchPlace {
  /** Ten-thousandths, so that it is compared as it was read. */
  readonly score: number
  readonly userId: string
}

export type Found = Summary & { readonly score: number }

/** Of a name, how much of a query's trigrams a word in it has to have: the threshold of <%, by which the index is asked. */
export const searchParameters = { 'pg_trgm.word_similarity_threshold': 0.45 } as const

/**
 * People by name or handle, those that fit best first: whose name begins with the words, has them in it, or is spelt much
 * like them. Whoever does not want to be found is not, and nobody across a block.
 */
export const searchUsers =
  (views: Kysely<ViewsDatabase>) =>
  async (
    text: string,
    viewerId: string,
    { after, limit }: { after: SearchPlace | undefined; limit: number },
  ): Promise<Found[]> => {
    const wanted = searchForm(text)
    if (wanted === '') return []
    const pattern = `%${wanted.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
    const similarity = sql<number>`word_similarity(${wanted}, profiles.search)`
    // What contains the words goes before what only resembles them.
    const score = sql<number>`(case when profiles.search like ${pattern.slice(1)} then 20000
      when profiles.search like ${`% ${pattern.slice(1)}`} then 15000
      when profiles.search like ${pattern} then 10000 else 0 end
      + round((${similarity} * 10000)::numeric))::int`
    return presentProfiles(views)
      .select([...summaryColumns, score.as('score')])
      .where('profiles.searchable', '=', true)
      .where(sql<boolean>`(profiles.search like ${pattern} or ${wanted} <% profiles.search)`)
      .where(notBlocked(views, viewerId, 'profiles.user_id'))
      .$if(after !== undefined, (query) =>
        query.where(sql<boolean>`(${score}, profiles.user_id) < (${after?.score}, ${after?.userId}::uuid)`),
      )
      .orderBy('score', 'desc')
      .orderBy('profiles.user_id', 'desc')
      .limit(limit)
      .execute()
  }
