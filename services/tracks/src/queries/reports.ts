import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'
import { type ReportReason } from '../domain/moderation.ts'

/** A report that waits for a moderator. */
export interface ReportView {
  readonly trackId: string
  readonly reporterId: string
  readonly reason: ReportReason
  readonly comment: string
  readonly reportedAt: Date
}

/** A place in the list of reports. */
export interface ReportPlace {
  readonly trackId: string
  readonly reporterId: string
}

/** Those that no moderator has settled, track by track, the track that was uploaded first going first. */
export const listReports =
  (db: Kysely<TracksDatabase>) =>
  async ({ after, limit }: { after: ReportPlace | undefined; limit: number }): Promise<ReportView[]> => {
    const rows = await db
      .selectFrom('reports')
      .selectAll()
      .where((eb) =>
        after === undefined
          ? eb.lit(true)
          : eb(eb.refTuple('track_id', 'reporter_id'), '>', eb.tuple(after.trackId, after.reporterId)),
      )
      .orderBy('track_id')
      .orderBy('reporter_id')
      .limit(limit)
      .execute()
    return rows.map((row) => ({
      ...{ trackId: row.track_id, reporterId: row.reporter_id, reason: row.reason },
      ...{ comment: row.comment, reportedAt: row.reported_at },
    }))
  }
