import { sql } from 'kysely'
import { type Actor } from '../domain/visibility.ts'
import { toView, trackColumns, type TrackView } from './track-view.ts'
import { type ReadDeps } from './tracks.ts'

/** A place in the feed. */
export interface FeedPlace {
  readonly publishedAt: Date
  readonly id: string
}

export type FeedTrack = TrackView & { readonly publishedAt: Date }

interface FeedValues extends Partial<FeedPlace>, Readonly<Record<string, unknown>> {
  readonly userId: string
  readonly limit: number
}

/** As the index of news has it: written out, so that a prepared plan can take that. */
const isNews = sql<boolean>`visibility in ('public', 'followers') and status = 'ready' and taken_down is null`

/** What those whom the caller follows let their followers hear, what came last first. */
export const readFeed = ({ db, prepare }: ReadDeps) => {
  const page = (name: string, isNext: boolean) =>
    prepare(name, ({ userId, limit, publishedAt, id }: FeedValues) => {
      const count = sql<number>`${limit}`
      const newsOf = (followed: string) =>
        db
          .selectFrom('tracks')
          .whereRef('owner_id', '=', sql.ref(followed))
          .where(isNews)
          .select(['published_at', 'id'])
          .$if(isNext, (query) =>
            query.where(sql<boolean>`(published_at, id) < (${publishedAt}::timestamptz, ${id}::uuid)`),
          )
          .orderBy('published_at', 'desc')
          .orderBy('id', 'desc')
      // A page of news is by as many people at most: those whose last one is the youngest. Of how many one follows each
      // costs a look into the index, and only of those few a page is read.
      const recent = db
        .selectFrom(
          sql<{ followee_id: string }>`(
            select followee_id from relations.follows where follower_id = ${userId})`.as('followed'),
        )
        .innerJoinLateral(newsOf('followed.followee_id').limit(sql.lit(1)).as('last'), (join) =>
          join.onTrue(),
        )
        .select('followee_id')
        .orderBy('last.published_at', 'desc')
        .orderBy('last.id', 'desc')
        .limit(count)
        .as('recent')
      const news = db
        .selectFrom(recent)
        .innerJoinLateral(newsOf('recent.followee_id').limit(count).as('news'), (join) => join.onTrue())
        .select('news.id')
        .orderBy('news.published_at', 'desc')
        .orderBy('news.id', 'desc')
        .limit(count)
      // What comes last is found in the index alone; of tracks, only the page is read.
      return db
        .selectFrom(news.as('page'))
        .innerJoin('tracks', 'tracks.id', 'page.id')
        .select(trackColumns.map((column) => `tracks.${column}` as const))
        .orderBy('tracks.published_at', 'desc')
        .orderBy('tracks.id', 'desc')
    })
  const [first, next] = [page('tracks-feed', false), page('tracks-feed-next', true)]
  return async (
    { userId }: Actor,
    { after, limit }: { after: FeedPlace | undefined; limit: number },
  ): Promise<FeedTrack[]> => {
    const rows = await (after === undefined ? first : next)({ userId, limit, ...after })
    return rows.map((row) => ({ ...toView(row), publishedAt: row.published_at ?? row.uploaded_at }))
  }
}
