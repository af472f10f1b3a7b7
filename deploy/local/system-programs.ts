import { spawn } from 'node:child_process'
import { MachineNotReady } from './checks.ts'
import { findOnPath } from './java.ts'
import { type Progress, timed } from './progress.ts'

/** Programs of the system that Veza runs, by the package that has them. */
const packages = { ffmpeg: ['ffmpeg', 'ffprobe'] } as const

/** What others say while they work is of interest only when they fail. */
const quietly = (program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    const read = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2_000)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', (code) => {
      const last = said.trim().split('\n').slice(-3).join(' | ')
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${String(code)}: ${last}`))
    })
  })

/**
 * Sees that ffmpeg is there. On Debian and Ubuntu, as root, it is installed; elsewhere that is for the machine's owner.
 *
 * @param isRoot whether packages may be installed
 * @throws MachineNotReady with a line that says how to get it
 */
export const ensureSystemPrograms = async (
  { env, progress }: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
  isRoot = process.getuid?.() === 0,
): Promise<void> => {
  const missing = (): string[] =>
    packages.ffmpeg.filter((program) => findOnPath(program, env['PATH']) === undefined)
  if (missing().length === 0) return
  const advice = 'install FFmpeg (apt-get install ffmpeg, brew install ffmpeg)'
  const aptGet = isRoot ? findOnPath('apt-get', env['PATH']) : undefined
  if (aptGet === undefined)
    throw new MachineNotReady([`${missing().join(' and ')} of FFmpeg is not on the PATH: ${advice}`])
  progress('ffmpeg is missing: installing it with apt-get')
  try {
    await timed(
      progress,
      () => 'ffmpeg is installed',
      async () => {
        // Another launcher, or the system itself, may be installing at this moment.
        const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
        await quietly(aptGet, ['update', '-qq', ...patience], env)
        await quietly(aptGet, ['install', '-y', '-qq', '--no-install-recommends', ...patience, 'ffmpeg'], env)
      },
    )
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MachineNotReady([`ffmpeg could not be installed (${reason}): ${advice}`])
  }
  if (missing().length > 0)
    throw new MachineNotReady([`apt-get brought no ${missing().join(' and ')}: ${advice}`])
}
