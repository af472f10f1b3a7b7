import { RefusedAudio } from '@veza/kit/media'
import { type Logger } from '@veza/kit/log'
import { type UploadFiles } from '../adapters/upload-files.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Upload, type Uploads } from '../adapters/uploads.ts'

const atOnce = 100
/** Whoever sent the last byte of a younger one may be making a track of it at this moment. */
const settledMs = 5 * 60 * 1000

/**
 * Ends what its client did not: uploads that are whole but are no tracks, since a process died between the two, become
 * tracks; those that have expired are removed. Safe to run by several processes at once.
 */
export const sweepUploads =
  (deps: {
    uploads: Uploads
    files: UploadFiles
    finish: (upload: Upload, metadata: { actor: string }) => Promise<void>
    log: Logger
    now: () => Date
  }) =>
  async (): Promise<void> => {
    const now = deps.now()
    for (const id of await deps.uploads.all(new Date(now.getTime() - settledMs), atOnce)) {
      const upload = await deps.uploads.get(id)
      if (upload === undefined || (await deps.files.size(id)) !== upload.bytes) continue
      try {
        await deps.finish(upload, { actor: upload.ownerId })
      } catch (error) {
        if (!(error instanceof RefusedAudio || error instanceof Rejection))
          deps.log.warn({ err: error, uploadId: id }, 'an upload was not finished')
      }
    }
    for (const id of await deps.uploads.expired(now, atOnce)) {
      await deps.files.remove(id)
      await deps.uploads.remove(id)
    }
  }
