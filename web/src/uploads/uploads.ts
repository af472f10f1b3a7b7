import { signal } from '@preact/signals'
import type { Upload as TusUpload } from 'tus-js-client'
import { accessToken, myId } from '../api/session.ts'
import { onOwn } from '../live/connection.ts'
import { dropUnfinished, findUnfinished, uploadStorage } from './unfinished.ts'

/** A file on its way to being heard. */
export interface UploadState {
  readonly key: string
  readonly title: string
  /** `unfinished`: it broke off in an earlier visit, and the page does not have the file any more. */
  readonly phase: 'sending' | 'paused' | 'unfinished' | 'preparing' | 'ready' | 'failed'
  /** Of the phase, 0 to 100. */
  readonly percent: number
  readonly trackId?: string
  /** Why it failed: a stable code. */
  readonly code?: string
  /** Bytes that a file may have, where it has more. */
  readonly limit?: number
  /** Of what is `unfinished`: the file that it is, and its bytes. */
  readonly filename?: string
  readonly size?: number
}

export const uploads = signal<readonly UploadState[]>([])

const running = new Map<string, TusUpload>()
const files = new Map<string, File>()
/** What was told of a track before the answer that names it. */
const early = new Map<string, Pick<UploadState, 'phase' | 'percent'> & { code?: string }>()

const change = (key: string, to: Partial<UploadState>): void => {
  uploads.value = uploads.value.map((upload) => (upload.key === key ? { ...upload, ...to } : upload))
}

const phaseOf = (key: string): UploadState['phase'] | undefined =>
  uploads.value.find((upload) => upload.key === key)?.phase

const titleOf = (name: string): string =>
  name
    .replace(/\.[^.]+$/, '')
    .replaceAll(/[_\s]+/g, ' ')
    .trim()

/** By magic or by name: what the browser calls audio, and what it knows no type of. The API looks for itself. */
export const isAudio = (file: File): boolean =>
  file.type.startsWith('audio/') || file.type === '' || file.type === 'application/ogg'

let askedLimit: Promise<number | undefined> | undefined

/** Bytes that a file may have, as the API says; asked for once. undefined: it did not say. */
const largest = async (): Promise<number | undefined> => {
  const ask = async (): Promise<number | undefined> => {
    const { headers } = await fetch('/v1/uploads', { method: 'OPTIONS' })
    const bytes = Number(headers.get('tus-max-size') ?? Number.NaN)
    return Number.isFinite(bytes) ? bytes : undefined
  }
  askedLimit ??= ask()
  try {
    return await askedLimit
  } catch {
    // Asked for again with the next file; this one meets the limit, or the lost connection, on its way.
    askedLimit = undefined
    return undefined
  }
}

const codeIn = (body: string): string => {
  try {
    const { code } = JSON.parse(body) as { code?: unknown }
    return typeof code === 'string' ? code : 'internal'
  } catch {
    return 'internal'
  }
}

const announced = (key: string, trackId: string): void => {
  change(key, { phase: 'preparing', percent: 0, trackId })
  const told = early.get(trackId)
  if (told !== undefined) change(key, told)
  early.delete(trackId)
}

/** What hinders an upload before it begins, so that nobody waits for a refusal. */
const hindrance = async (file: File): Promise<Pick<UploadState, 'code' | 'limit'> | undefined> => {
  if (!isAudio(file)) return { code: 'not-audio' }
  const limit = await largest()
  return limit !== undefined && file.size > limit ? { code: 'upload-too-large', limit } : undefined
}

const start = async (key: string, file: File): Promise<void> => {
  const hindered = await hindrance(file)
  if (hindered !== undefined) {
    change(key, { phase: 'failed', ...hindered })
    return
  }
  const { Upload, DetailedError } = await import('tus-js-client')
  // Paused, or hidden, or begun anew, before it was under way.
  if (running.has(key) || phaseOf(key) !== 'sending') return
  let trackId: string | undefined
  const upload = new Upload(file, {
    endpoint: '/v1/uploads',
    // No title: what the file's own tags say is better than its name, and the API falls back on that.
    metadata: { filename: file.name },
    urlStorage: uploadStorage(myId.value),
    chunkSize: 4_000_000,
    retryDelays: [500, 1000, 3000, 5000, 10_000, 20_000],
    removeFingerprintOnSuccess: true,
    async onBeforeRequest(request) {
      const token = await accessToken()
      if (token !== undefined) request.setHeader('authorization', `Bearer ${token}`)
    },
    onAfterResponse(_, response) {
      trackId = response.getHeader('Veza-Track-Id') ?? trackId
    },
    onShouldRetry(error) {
      const status = error.originalResponse?.getStatus() ?? 0
      return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500
    },
    onProgress(sent, total) {
      change(key, { percent: Math.floor((sent / total) * 100) })
    },
    onSuccess() {
      running.delete(key)
      files.delete(key)
      if (trackId === undefined) change(key, { phase: 'failed', code: 'internal' })
      else announced(key, trackId)
    },
    onError(error) {
      running.delete(key)
      const body = error instanceof DetailedError ? (error.originalResponse?.getBody() ?? '') : ''
      change(key, { phase: 'failed', code: body === '' ? 'unreachable' : codeIn(body) })
    },
  })
  running.set(key, upload)
  // What an earlier visit sent of this very file need not be sent again.
  const [previous] = await upload.findPreviousUploads()
  if (previous !== undefined) {
    upload.resumeFromPreviousUpload(previous)
    uploads.value = uploads.value.filter((each) => each.key !== previous.urlStorageKey)
  }
  if (running.get(key) === upload) upload.start()
}

/** Uploads files, all at once. */
export const uploadFiles = (chosen: Iterable<File>): void => {
  for (const file of chosen) {
    const key = crypto.randomUUID()
    files.set(key, file)
    uploads.value = [...uploads.value, { key, title: titleOf(file.name), phase: 'sending', percent: 0 }]
    void start(key, file)
  }
}

export const pauseUpload = (key: string): void => {
  void running.get(key)?.abort()
  running.delete(key)
  change(key, { phase: 'paused' })
}

/** Goes on with what was paused, or what broke off. */
export const resumeUpload = (key: string): void => {
  const file = files.get(key)
  if (file === undefined) return
  change(key, { phase: 'sending' })
  void start(key, file)
}

export const dismissUpload = (key: string): void => {
  void running.get(key)?.abort()
  running.delete(key)
  files.delete(key)
  uploads.value = uploads.value.filter((upload) => upload.key !== key)
}

/** Shows what broke off in earlier visits of whoever is signed in. */
export const recallUploads = async (userId: string): Promise<void> => {
  const found = await findUnfinished(userId)
  if (myId.value !== userId) return
  const shown = new Set(uploads.value.map(({ key }) => key))
  const recalled = found
    .filter(({ key }) => !shown.has(key))
    .map(({ key, filename, size, sent }) => ({
      ...({ key, title: titleOf(filename), phase: 'unfinished', filename, size } as const),
      percent: Math.floor((sent / size) * 100),
    }))
  uploads.value = [...recalled, ...uploads.value]
}

/** Goes on with what broke off, by its file. What is another file is not sent. */
export const resumeUnfinished = ({ key, filename, size }: UploadState, file: File): void => {
  if (file.name !== filename || file.size !== size) {
    change(key, { code: 'another-file' })
    return
  }
  change(key, { code: '' })
  uploadFiles([file])
}

export const dropUpload = (key: string): void => {
  dropUnfinished(key)
  dismissUpload(key)
}

/** What was one person's is nobody else's: it is kept for their next visit. */
export const forgetUploads = (): void => {
  for (const { key } of uploads.value) dismissUpload(key)
}

// The next try may be far off, or given up: none of them waits now that there is a network again.
addEventListener('online', () => {
  for (const { key, phase, code } of uploads.value) {
    if (phase !== 'sending' && code !== 'unreachable') continue
    void running.get(key)?.abort()
    running.delete(key)
    resumeUpload(key)
  }
})

onOwn((publication) => {
  if (publication.type !== 'track') return
  const { trackId, status, percent, code } = publication
  const phase = status === 'processing' ? 'preparing' : status
  const told = { phase, percent, ...(code !== undefined && { code }) } as const
  const mine = uploads.value.find((upload) => upload.trackId === trackId)
  if (mine === undefined) early.set(trackId, told)
  else change(mine.key, told)
})
