import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { type UsersDatabase } from './schema.ts'

/**
 * An export's content, gzipped, in pieces that are sealed one by one: whatever its size, one piece of it is in memory. An
 * attempt's pieces are its own, so that one that was broken off, or goes on in another process, is never mixed with the
 * one that counts.
 */

/** Where a piece belongs: it opens nowhere else, so none can be left out unseen, or take the place of another. */
const place = (attempt: string, piece: number) => ({
  table: 'export_pieces',
  row: `${attempt}/${piece}`,
  column: 'content',
})

const pieceBytes = 256 * 1024

/** Joins what comes into pieces of at least so many bytes, but for the last. */
async function* inPieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  let bytes = 0
  for await (const part of source) {
    gathered.push(part)
    bytes += part.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(gathered)
    gathered = []
    bytes = 0
  }
  yield Buffer.concat(gathered)
}

/** What was written, for the export's row. */
export interface WrittenContent {
  readonly attempt: string
  readonly pieces: number
}

/** Writes what comes, sealed under the person's data key. Rejects SubjectErased, and what the document rejects. */
export const writeContent = async (
  db: Kysely<UsersDatabase>,
  sealing: Sealing,
  { exportId, userId }: { exportId: string; userId: string },
  document: AsyncIterable<string | Uint8Array>,
): Promise<WrittenContent> => {
  const attempt = randomUUID()
  let pieces = 0
  await pipeline(
    Readable.from(document, { objectMode: false }),
    createGzip(),
    async (zipped: AsyncIterable<Buffer>) => {
      for await (const piece of inPieces(zipped)) {
        const [content] = await sealing.seal([
          { subject: userId, plain: piece, place: place(attempt, pieces) },
        ])
        if (content === undefined) throw new Error('nothing was sealed')
        await db
          .insertInto('export_pieces')
          .values({ export_id: exportId, attempt, piece: pieces, content })
          .execute()
        pieces += 1
      }
    },
  )
  return { attempt, pieces }
}

const readPiece = async (
  db: Kysely<UsersDatabase>,
  sealing: Sealing,
  attempt: string,
  piece: number,
): Promise<Buffer | undefined> => {
  const row = await db
    .selectFrom('export_pieces')
    .select('content')
    .where('attempt', '=', attempt)
    .where('piece', '=', piece)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const [opened] = await sealing.open([{ sealed: row.content, place: place(attempt, piece) }])
  return opened?.state === 'open' ? opened.plain : undefined
}

/**
 * What was written, as it was before. undefined when it is not there, or nobody can open it any more. Rejects in the middle
 * when that comes to be so meanwhile.
 */
export const readContent = async (
  db: Kysely<UsersDatabase>,
  sealing: Sealing,
  { attempt, pieces }: WrittenContent,
): Promise<Readable | undefined> => {
  const first = await readPiece(db, sealing, attempt, 0)
  if (first === undefined) return undefined
  const zipped = async function* () {
    yield first
    for (let piece = 1; piece < pieces; piece++) {
      const bytes = await readPiece(db, sealing, attempt, piece)
      if (bytes === undefined) throw new Error('a piece of the export is gone')
      yield bytes
    }
  }
  const unzipped = createGunzip()
  pipeline(Readable.from(zipped(), { objectMode: false }), unzipped).catch(() => {
    // Whoever reads what is unzipped is told by it.
  })
  return unzipped
}
