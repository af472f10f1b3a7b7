import { inputOf, type Probed } from './probe.ts'
import { runSandboxed, SandboxError } from './sandbox.ts'

const limits = { memoryBytes: 1024 ** 3, cpuSeconds: 10, fileBytes: 0 }

class TooLarge extends Error {}

/**
 * The picture that a file of audio came with, as it lies there: copied in a sandbox, not decoded, and so still what
 * somebody sent.
 *
 * @param path absolute
 * @param cwd a folder of the call's own
 * @returns undefined where there is none, it is larger than maxBytes, or it cannot be read
 * @throws SandboxError for what is not the file's fault (`missing`, `aborted`)
 */
export const readCover = async (
  path: string,
  { demuxer, hasCover }: Pick<Probed, 'demuxer' | 'hasCover'>,
  { cwd, maxBytes, signal }: { cwd: string; maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Buffer | undefined> => {
  if (!hasCover) return undefined
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    await runSandboxed({
      program: 'ffmpeg',
      args: [
        ...['-nostdin', '-hide_banner', '-v', 'error'],
        ...inputOf(demuxer, path),
        ...['-map', '0:v:0', '-c', 'copy', '-frames:v', '1', '-f', 'image2pipe', 'pipe:1'],
      ],
      cwd,
      limits,
      wallMs: 15_000,
      stallMs: 15_000,
      signal,
      onStdout(chunk) {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > maxBytes) throw new TooLarge()
      },
    })
  } catch (error) {
    const ofTheFile =
      error instanceof TooLarge ||
      (error instanceof SandboxError && error.code !== 'missing' && error.code !== 'aborted')
    if (ofTheFile) return undefined
    throw error
  }
  return bytes === 0 ? undefined : Buffer.concat(chunks)
}
