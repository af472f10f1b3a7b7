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

/** A file that is at hand. */
export interface KeptFile {
  readonly key: string
  readonly contentType: string
  /** undefined: a front server has it. */
  readonly content: Buffer | undefined
  /** Rejects when the track may not be heard any more, or nobody can say. */
  readonly allowed: Promise<unknown>
}

/**
 * As openFile, without looking further than memory. undefined: openFile is to be asked.
 *
 * @param handedOver a front server sends the content, so that it is enough to know that there is one
 */
export const openKept =
  (deps: { passes: Passes; ask: AskPlayable; files: StreamFiles; handedOver: boolean }) =>
  (text: string, path: string): KeptFile | undefined => {
    const pass = deps.passes.known(text)
    const contentType = contentTypeOf(path)
    if (pass === undefined || contentType === undefined) return undefined
    const { trackId, listenerId: userId, moderator, media } = pass
    const key = `${media}/${path}`
    const content = deps.handedOver ? undefined : deps.files.kept(key)
    if (deps.handedOver ? !deps.files.isKnown(key) : content === undefined) return undefined
    return { key, contentType, content, allowed: deps.ask({ trackId, userId, moderator }) }
  }
