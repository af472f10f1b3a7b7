import { type UploadLimits, type Uploads } from '../adapters/uploads.ts'
import { Rejection } from '../domain/rejection.ts'
import { normaliseFilename, normaliseTitle } from '../domain/texts.ts'
import { visibilities, type Visibility } from '../domain/visibility.ts'

/** What a client says of a file before it sends it. */
export interface NewUpload {
  readonly id: string
  readonly ownerId: string
  readonly bytes: number
  /** The client's own words, not checked yet. */
  readonly metadata: Readonly<Record<string, string | null>>
}

const visibilityOf = (text: string | null | undefined): Visibility => {
  const known = visibilities.find((one) => one === (text ?? 'public'))
  if (known === undefined) throw new Rejection('visibility-unknown')
  return known
}

/** Takes down who uploads what, within their limits. @throws Rejection */
export const beginUpload =
  (deps: {
    uploads: Uploads
    isErased: (userId: string) => Promise<boolean>
    limits: UploadLimits & { maxBytes: number; expiryMs: number }
    now: () => Date
  }) =>
  async ({ id, ownerId, bytes, metadata }: NewUpload): Promise<void> => {
    if (bytes > deps.limits.maxBytes) throw new Rejection('upload-too-large')
    const createdAt = deps.now()
    await deps.uploads.begin(
      {
        ...{ id, ownerId, bytes, createdAt },
        filename: normaliseFilename(metadata['filename'] ?? undefined),
        title: normaliseTitle(metadata['title'] ?? undefined) ?? null,
        visibility: visibilityOf(metadata['visibility']),
        expiresAt: new Date(createdAt.getTime() + deps.limits.expiryMs),
      },
      deps.limits,
    )
    if (await deps.isErased(ownerId)) {
      await deps.uploads.remove(id)
      throw new Rejection('user-erased')
    }
  }
