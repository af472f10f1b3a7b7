import { type Passes } from '../adapters/passes.ts'
import { type StreamFiles } from '../adapters/stream-files.ts'
import { type AskPlayable } from '../adapters/tracks-api.ts'
import { contentTypeOf } from '../domain/files.ts'

/** A file of a stream that the holder of a pass may have. */
export interface OpenFile {
  /** Of its object. */
  readonly key: string
  readonly path: string
  readonly contentType: string
  readonly size: number
}

/** Looks at the pass, and at whether the track may still be heard. undefined: no such file. Throws Rejection. */
export const openFile =
  (deps: { passes: Passes; ask: AskPlayable; files: StreamFiles }) =>
  async (text: string, path: string): Promise<OpenFile | undefined> => {
    const { trackId, listenerId: userId, moderator, media } = deps.passes.read(text)
    const contentType = contentTypeOf(path)
    if (contentType === undefined) return undefined
    await deps.ask({ trackId, userId, moderator })
    const key = `${media}/${path}`
    const size = await deps.files.size(key)
    return size === undefined ? undefined : { key, path, contentType, size }
  }
