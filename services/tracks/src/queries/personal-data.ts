import { type AuditSource } from '@veza/kit/audit'
import { inPages, type PersonalParts } from '@veza/kit/personal-data'
import { type Kysely } from 'kysely'
import { type TracksDatabase } from '../adapters/schema.ts'

const pageSize = 500

/** All that tracks has about a person, for their export. The sound itself is theirs to download by its tracks' ids. */
export const readPersonalData =
  ({ db, audit }: { readonly db: Kysely<TracksDatabase>; readonly audit: AuditSource }) =>
  (userId: string): Promise<PersonalParts> => {
    const tracks = inPages((after?: { id: string }) =>
      db
        .selectFrom('tracks')
        .select(['id', 'status', 'visibility', 'title', 'description', 'artist', 'album', 'genre', 'tags'])
        .select([
          'cover as coverId',
          'source as sha256',
          'source_bytes as bytes',
          'duration_ms as durationMs',
        ])
        .select(['uploaded_at as uploadedAt'])
        .where('owner_id', '=', userId)
        .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after.id)))
        .orderBy('id')
        .limit(pageSize)
        .execute(),
    )
    const likes = inPages((after?: { trackId: string; likedAt: Date }) =>
      db
        .selectFrom('likes')
        .select(['track_id as trackId', 'liked_at as likedAt'])
        .where('user_id', '=', userId)
        .where((eb) =>
          after === undefined
            ? eb.lit(true)
            : eb(eb.refTuple('liked_at', 'track_id'), '>', eb.tuple(after.likedAt, after.trackId)),
        )
        .orderBy('liked_at')
        .orderBy('track_id')
        .limit(pageSize)
        .execute(),
    )
    const uploads = inPages((after?: { id: string }) =>
      db
        .selectFrom('uploads')
        .select(['id', 'bytes', 'filename', 'title', 'visibility', 'created_at as begunAt'])
        .where('owner_id', '=', userId)
        .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after.id)))
        .orderBy('id')
        .limit(pageSize)
        .execute(),
    )
    const playlists = inPages((after?: { id: string }) =>
      db
        .selectFrom('playlists')
        .select(['id', 'title', 'description', 'visibility', 'track_ids as trackIds'])
        .select(['created_at as createdAt', 'changed_at as changedAt'])
        .where('owner_id', '=', userId)
        .where((eb) => (after === undefined ? eb.lit(true) : eb('id', '>', after.id)))
        .orderBy('id')
        .limit(pageSize)
        .execute(),
    )
    const reports = inPages((after?: { trackId: string }) =>
      db
        .selectFrom('reports')
        .select(['track_id as trackId', 'reason', 'comment', 'reported_at as reportedAt'])
        .where('reporter_id', '=', userId)
        .where((eb) => (after === undefined ? eb.lit(true) : eb('track_id', '>', after.trackId)))
        .orderBy('track_id')
        .limit(pageSize)
        .execute(),
    )
    // Files' names and what titles were before are in the events alone. Who reported or moderated them, and what was noted, is not
    // theirs to know.
    const history = inPages(async (after?: { id: string; at: string }) => {
      const entries = await audit.read({ names: [userId] }, after, pageSize)
      return entries.map(({ id, at, type, actor, address, details }) => ({
        ...{ id, at, what: type, address: actor === userId ? address : null },
        details:
          actor === userId
            ? details
            : { ...details, reporterId: undefined, moderatorId: undefined, note: undefined },
      }))
    })
    return Promise.resolve({ tracks, likes, uploads, playlists, reports, history })
  }
