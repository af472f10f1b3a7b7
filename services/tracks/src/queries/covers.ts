import { type Kysely } from 'kysely'
import { type Covers, type CoverSize } from '../adapters/covers.ts'
import { type TracksDatabase } from '../adapters/schema.ts'

/** A track's picture, WebP; undefined: it has no such one, or the track is gone or taken down. */
export const readCover =
  (db: Kysely<TracksDatabase>, covers: Covers) =>
  async (trackId: string, cover: string, size: CoverSize): Promise<Buffer | undefined> => {
    const row = await db
      .selectFrom('tracks')
      .select('id')
      .where('id', '=', trackId)
      .where('cover', '=', cover)
      .where('taken_down', 'is', null)
      .executeTakeFirst()
    return row && covers.read(cover, size)
  }
