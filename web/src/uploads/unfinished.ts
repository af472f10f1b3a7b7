import { type PreviousUpload, type UrlStorage } from 'tus-js-client'
import { accessToken } from '../api/session.ts'

/** An upload that broke off in an earlier visit: the same file goes on where it stopped. */
export interface Unfinished {
  readonly key: string
  readonly filename: string
  /** Bytes. */
  readonly size: number
  /** Bytes of it that Veza has. */
  readonly sent: number
}

const prefixOf = (userId: string): string => `veza.upload.${userId}.`

const read = (key: string): PreviousUpload | undefined => {
  try {
    return { ...(JSON.parse(localStorage.getItem(key) ?? '') as PreviousUpload), urlStorageKey: key }
  } catch {
    return undefined
  }
}

const startingWith = (prefix: string): PreviousUpload[] =>
  Object.keys(localStorage).flatMap((key) => (key.startsWith(prefix) ? (read(key) ?? []) : []))

/** Where uploads of one person are kept while they are on their way. */
export const uploadStorage = (userId: string): UrlStorage => {
  const prefix = prefixOf(userId)
  return {
    findAllUploads: () => Promise.resolve(startingWith(prefix)),
    findUploadsByFingerprint: (fingerprint) => Promise.resolve(startingWith(`${prefix}${fingerprint}::`)),
    removeUpload(key) {
      localStorage.removeItem(key)
      return Promise.resolve()
    },
    addUpload(fingerprint, upload) {
      const key = `${prefix}${fingerprint}::${crypto.randomUUID()}`
      localStorage.setItem(key, JSON.stringify(upload))
      return Promise.resolve(key)
    },
  }
}

const ask = async (method: 'HEAD' | 'DELETE', url: string): Promise<Response> => {
  const token = await accessToken()
  const headers = {
    'tus-resumable': '1.0.0',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return fetch(url, { method, headers })
}

/** What is kept of an upload, as far as Veza has it still. */
const look = async ({
  urlStorageKey: key,
  uploadUrl,
  size,
  metadata,
}: PreviousUpload): Promise<Unfinished | undefined> => {
  if (uploadUrl === null || size === null) return undefined
  const response = await ask('HEAD', uploadUrl).catch(() => undefined)
  if (response?.status === 404 || response?.status === 410) {
    localStorage.removeItem(key)
    return undefined
  }
  const sent = Number(response?.headers.get('upload-offset') ?? 0)
  return { key, filename: metadata['filename'] ?? '', size, sent }
}

/** The uploads of one person that broke off, and can go on. */
export const findUnfinished = async (userId: string): Promise<readonly Unfinished[]> => {
  const found = await Promise.all(startingWith(prefixOf(userId)).map(look))
  return found.filter((each) => each !== undefined)
}

/** Forgets it, here at once and at Veza as soon as it can be told. */
export const dropUnfinished = (key: string): void => {
  const url = read(key)?.uploadUrl
  localStorage.removeItem(key)
  // What is never taken up again, Veza drops by itself in time.
  if (url !== undefined && url !== null) ask('DELETE', url).catch(() => undefined)
}
