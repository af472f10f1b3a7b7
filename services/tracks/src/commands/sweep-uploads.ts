import { RefusedAudio } from '@veza/kit/media'
import { type Logger } from '@veza/kit/log'
import { type UploadFiles } from '../adapters/upload-files.ts'
import { Rejection } from '../domain/rejection.ts'
import { type BegunUpload } from './finish-upload.ts'
import { type Uploads } from '../adapters/uploads.ts'

const atOnce = 100
/** Whoever sent the last byte so short a time ago may be making a track of it at this moment. */
const settledMs = 5 * 60 * 1000

/**
 * Ends what its client did not: uploads that are whole but are no tracks, since a process died between the two, become
 * tracks; those that have expired are removed. Safe to run by several processes at once.
 */
export const sweepUploads =
  (deps: {
    uploads: Uploads
    files: UploadFiles
    finish: (upload: BegunUpload, metadata: { actor: string }) => Promise<void>
    log: Logger
    now: () => Date
  }) =>
  async (): Promise<void> => {
    const now = deps.now()
    const settled = new Date(now.getTime() - settledMs)
    for (let after: string | undefined; ;) {
      const page = await deps.uploads.begun(settled, { after, limit: atOnce })
      for (const upload of page) {
        const { id, ownerId, bytes } = upload
        const arrived = await deps.files.arrived(id)
        if (arrived?.bytes !== bytes || arrived.at > settled) continue
        try {
          await deps.finish(upload, { actor: ownerId })
        } catch (error) {
          if (!(error instanceof RefusedAudio || error instanceof Rejection))
            deps.log.warn({ err: error, uploadId: id }, 'an upload was not finished')
        }
      }
      after = page.at(-1)?.id
      if (page.length < atOnce) break
    }
    for (const id of await deps.uploads.expired(now, atOnce)) {
      await deps.files.remove(id)
      await deps.uploads.remove(id)
    }
  }
