import { type Readable } from 'node:stream'
import { messageOf } from '../log/index.ts'

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly key: string
  readonly bytes: number
  readonly modifiedAt: Date
}

/** A stretch of an object, both ends inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Files by key. Keys are paths of ours (`media/<digest>/96k/0000.m4s`), never a client's. An object appears whole or
 * not at all. What fails because the store is away rejects ObjectsUnavailable.
 */
export interface Objects {
  /** Stores a file, or bytes, under a key, replacing what is there. */
  put(key: string, content: { readonly path: string } | Buffer, contentType: string): Promise<void>
  /** undefined: there is none. */
  head(key: string): Promise<ObjectInfo | undefined>
  /** undefined: there is none. The stream must be read to its end or destroyed. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>
  /** Those whose keys begin so, in no certain order. */
  list(prefix: string): AsyncIterable<ObjectInfo>
  /**
   * What lies directly below a prefix that ends with `/`, in no certain order: keys of objects, and prefixes that end with
   * `/` again. It does not read what is below those.
   */
  children(prefix: string): AsyncIterable<string>
  /** Keys that are not there are skipped. */
  delete(keys: readonly string[]): Promise<void>
  /** Removes what was written before that time by puts that were killed in the middle. */
  sweepDrafts(before: Date): Promise<void>
  /** Where a client may fetch it by itself for so long; undefined where the store cannot be reached by clients. */
  signedUrl(key: string, seconds: number): Promise<string | undefined>
  /** undefined = the store answers; otherwise what is wrong. */
  check(): Promise<string | undefined>
  close(): void
}

/** The object store cannot be reached or cannot take more: it may be over in a moment. */
export class ObjectsUnavailable extends Error {
  override readonly name = 'ObjectsUnavailable'

  constructor(cause: unknown) {
    super(`the object store is not available: ${messageOf(cause)}`, {
      cause,
    })
  }
}

const keyPattern = /^[a-z0-9][\w-]*(?:\/[a-z0-9][\w-]*(?:\.[\w-]+)*)*\/?$/i

/** @throws RangeError for a key that is no path of ours, such as one that would leave its folder */
export const checkKey = (key: string): string => {
  if (!keyPattern.test(key) || key.length > 512) throw new RangeError(`no key of an object: ${key}`)
  return key
}
