import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { probeAudio, RefusedAudio, SandboxError } from '@veza/kit/media'
import { type Objects } from '@veza/kit/objects'
import { type Job, type Outcome, sourceKey } from '@veza/tracks/store'
import { produce, type Produced } from './media/produce.ts'
import { recipe } from './media/recipe.ts'

/** By ending; what has none of these is bytes. */
const contentTypes: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'audio/mp4',
  '.mp4': 'audio/mp4',
  '.json': 'application/json',
}

/** How the folders of jobs in hand begin. */
export const workFolder = 'veza-transcode-'

/** Objects are swept when no track has had them for a day; what was stored long ago is stored anew. */
const freshMs = 12 * 60 * 60 * 1000

/** A track is some 130 files, each of which waits for a disk or a network. */
const putsAtOnce = 8

const store = async (
  objects: Objects,
  { prefix, dir, files }: Produced,
  signal: AbortSignal,
): Promise<void> => {
  // The file that is stored last: with it, all others are there.
  const last = await objects.head(`${prefix}/track.json`)
  if (last !== undefined && Date.now() - last.modifiedAt.getTime() < freshMs) return
  const put = async (path: string): Promise<void> => {
    signal.throwIfAborted()
    const type = contentTypes[extname(path)] ?? 'application/octet-stream'
    await objects.put(`${prefix}/${path}`, { path: join(dir, path) }, type)
  }
  for (const stage of new Set(files.map((file) => file.stage))) {
    const waiting = files.filter((file) => file.stage === stage).values()
    const lanes = Array.from({ length: putsAtOnce }, async () => {
      for (const { path } of waiting) await put(path)
    })
    // Nobody may still read the folder when it is removed.
    for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
  }
}

/** A probe that crashed or hung says nothing of a file that was probed well when it was taken in. */
const blamesFile = (error: unknown): error is RefusedAudio =>
  error instanceof RefusedAudio && !(error.cause instanceof SandboxError && error.cause.code !== 'failed')

/**
 * Makes the stream of a job and stores it. Its address is derived from what is in it, so another attempt, or another
 * worker that has the job too, stores the same under the same.
 *
 * @returns what came of it: a stream, or why there can be none
 * @throws what may go better next time
 */
export const workOn =
  (deps: { objects: Objects; maxDurationSeconds: number; stallMs: number; folder: string }) =>
  async (
    job: Job,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (share: number) => void },
  ): Promise<Outcome> => {
    const { maxDurationSeconds, stallMs, objects } = deps
    const workDir = await mkdtemp(join(deps.folder, workFolder))
    try {
      const source = await objects.read(sourceKey(job.source))
      if (source === undefined) return { type: 'not-made', code: 'source-missing' }
      const path = join(workDir, 'source')
      await pipeline(source, createWriteStream(path), { signal })
      const probed = await probeAudio(path, { maxDurationSeconds }, { cwd: workDir, signal })
      const made = await produce(
        { path, probed },
        { workDir, signal, maxDurationSeconds, stallMs, onProgress },
      )
      await store(objects, made, signal)
      const { prefix: media, durationMs, loudness, gain } = made
      return {
        type: 'made',
        stream: {
          ...{ media, recipe: recipe.version, durationMs, gain },
          loudness: loudness.integrated > -70 ? loudness.integrated : null,
          truePeak: Number.isFinite(loudness.truePeak) ? loudness.truePeak : null,
        },
      }
    } catch (error) {
      if (blamesFile(error)) return { type: 'not-made', code: error.code }
      throw error
    } finally {
      await rm(workDir, { recursive: true, force: true })
    }
  }
