import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type EventMetadata } from '@veza/kit/events'
import { probeAudio, type Probed, type ProbeLimits, readCover, RefusedAudio } from '@veza/kit/media'
import { type Objects } from '@veza/kit/objects'
import { maxPictureBytes, PictureInvalid } from '@veza/kit/pictures'
import { type Kysely } from 'kysely'
import { type Covers } from '../adapters/covers.ts'
import { isErased } from '../adapters/erased-owners.ts'
import { type TracksDatabase } from '../adapters/schema.ts'
import { sourceKey } from '../adapters/source-key.ts'
import { type Tracks } from '../adapters/tracks.ts'
import { type SharedLocks } from '../adapters/shared-locks.ts'
import { type UploadFiles } from '../adapters/upload-files.ts'
import { type Upload, type Uploads } from '../adapters/uploads.ts'
import { currentRecipe } from '../domain/recipe.ts'
import { Rejection } from '../domain/rejection.ts'
import { longest, nearestLine, titleOf } from '../domain/texts.ts'

const digestOf = async (path: string): Promise<string> => {
  const digest = createHash('sha256')
  await pipeline(createReadStream(path), digest)
  return digest.digest('hex')
}

/** How the folders begin in which files are looked into. */
export const probeFolder = 'veza-probe-'

/** Stored sources are swept when no track has had them for a day; one that was stored long ago is stored anew. */
const freshMs = 12 * 60 * 60 * 1000

/** The file's picture, stored; what cannot be shown is no reason to refuse the sound. */
const coverOf = async (
  covers: Covers,
  { path, probed, cwd }: { path: string; probed: Probed; cwd: string },
): Promise<string | null> => {
  const picture = await readCover(path, probed, { cwd, maxBytes: maxPictureBytes })
  if (picture === undefined) return null
  return covers.store(picture).catch((error: unknown) => {
    if (error instanceof PictureInvalid) return null
    throw error
  })
}

/** As much of an upload as its end needs to be told. */
export type BegunUpload = Pick<Upload, 'id' | 'ownerId'>

/**
 * Makes a track of an upload whose last byte has arrived: looked into, stored by its content, announced. Can be repeated
 * after a crash at any point, and is done once, whoever asks meanwhile. What is refused is removed at once.
 *
 * @returns resolves when the track is there; its id is the upload's
 * @throws RefusedAudio, Rejection `user-erased`, `upload-not-found` when it was refused meanwhile; ObjectsUnavailable and the database's errors, after which it can be tried again
 */
export const finishUpload = (deps: {
  db: Kysely<TracksDatabase>
  tracks: Tracks
  uploads: Uploads
  files: UploadFiles
  locks: SharedLocks
  objects: Objects
  covers: Covers
  limits: ProbeLimits
  now: () => Date
}) => {
  const makeTrack = async (upload: Upload, metadata: EventMetadata): Promise<void> => {
    const { id, ownerId, bytes, filename, visibility } = upload
    const path = deps.files.pathOf(id)
    const cwd = await mkdtemp(join(tmpdir(), probeFolder))
    try {
      const probed = await probeAudio(path, deps.limits, { cwd })
      const sha256 = await digestOf(path)
      const key = sourceKey(sha256)
      const stored = await deps.objects.head(key)
      if (stored === undefined || deps.now().getTime() - stored.modifiedAt.getTime() > freshMs)
        await deps.objects.put(key, { path }, 'application/octet-stream')
      const cover = await coverOf(deps.covers, { path, probed, cwd })
      await deps.tracks.execute(
        deps.db,
        id,
        {
          ...{ type: 'upload', id, ownerId, visibility, recipe: currentRecipe, at: deps.now() },
          title: titleOf(upload.title ?? undefined, probed.tags.title, filename),
          artist: nearestLine(probed.tags.artist, longest.artist) ?? null,
          album: nearestLine(probed.tags.album, longest.album) ?? null,
          genre: nearestLine(probed.tags.genre, longest.genre) ?? null,
          cover,
          source: { sha256, bytes, filename, format: probed.demuxer, codec: probed.codec },
        },
        { metadata },
      )
      if (await isErased(deps.db, ownerId)) {
        const actor = { userId: ownerId, moderator: false }
        await deps.tracks.execute(deps.db, id, { type: 'delete', actor, at: deps.now() }, { metadata })
        throw new Rejection('user-erased')
      }
    } catch (error) {
      if (error instanceof RefusedAudio || error instanceof Rejection)
        await deps.files.remove(id).then(() => deps.uploads.remove(id))
      throw error
    } finally {
      await rm(cwd, { recursive: true, force: true })
    }
    await deps.files.remove(id)
    await deps.uploads.remove(id)
  }

  return async ({ id, ownerId }: BegunUpload, metadata: EventMetadata): Promise<void> => {
    // Two at once would take the file from under each other's hands. Whoever makes the track lets nobody in before it is there.
    const lock = deps.locks.newLock(id)
    await lock.lock(new AbortController().signal, () => undefined)
    try {
      const upload = await deps.uploads.find(id, ownerId)
      if (upload !== undefined) {
        await makeTrack(upload, metadata)
        return
      }
      const made = await deps.tracks.load(deps.db, id)
      if (made?.ownerId !== ownerId || made.deleted) throw new Rejection('upload-not-found')
    } finally {
      await lock.unlock()
    }
  }
}
