import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Upload } from 'tus-js-client'
import { type Person, request } from './api.ts'

const run = promisify(execFile)

/** A track as the API shows it. */
export interface TrackBody {
  readonly id: string
  readonly title: string
  readonly status: 'processing' | 'ready' | 'failed'
  readonly failure: { readonly code: string } | null
  readonly duration: number | null
  readonly loudness: { readonly integrated: number; readonly gain: number } | null
}

/** Where a track is heard. */
export interface PlaybackBody {
  readonly hlsUrl: string
  readonly progressiveUrl: string
  readonly sessionId: string
  readonly expiresAt: string
}

/** Uploads a file by tus, in pieces. @returns the track's id */
export const uploadTrack = async (
  http: string,
  person: Person,
  path: string,
  metadata: Record<string, string> = {},
): Promise<string> => {
  const file = await readFile(path)
  return new Promise((resolve, reject) => {
    let trackId: string | undefined
    new Upload(file, {
      endpoint: `${http}/v1/uploads`,
      headers: { authorization: `Bearer ${person.token}` },
      metadata,
      chunkSize: 1_000_000,
      retryDelays: [100, 500],
      onAfterResponse(_request, response) {
        trackId = response.getHeader('Veza-Track-Id') ?? trackId
      },
      onSuccess() {
        if (trackId === undefined) reject(new Error('no answer named the track'))
        else resolve(trackId)
      },
      onError: reject,
    }).start()
  })
}

export const readTrack = async (http: string, person: Person, trackId: string): Promise<TrackBody> =>
  (await request(http, 'GET', `/v1/tracks/${trackId}`, { token: person.token })).body as TrackBody

export const startPlayback = async (http: string, person: Person, trackId: string): Promise<PlaybackBody> => {
  const { status, body } = await request(http, 'POST', `/v1/tracks/${trackId}/playback`, {
    token: person.token,
  })
  if (status !== 201) throw new Error(`playback answered ${status}: ${JSON.stringify(body)}`)
  return body as PlaybackBody
}

/** Plays a stream to its end, as ffmpeg does. */
export const listen = async (url: string): Promise<{ warnings: string; seconds: number }> => {
  const { stdout, stderr } = await run(
    'ffmpeg',
    ['-v', 'warning', '-i', url, '-f', 's16le', '-ac', '1', '-ar', '48000', 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 200_000_000 },
  )
  return { warnings: stderr.toString(), seconds: stdout.length / 96_000 }
}
