import { spawn } from 'node:child_process'
import { MachineNotReady } from './checks.ts'
import { findOnPath } from './java.ts'
import { type Progress, timed } from './progress.ts'

/** Programs of the system that Veza runs, by the package of Debian that has them. */
interface Package {
  readonly name: string
  /** What people call it. */
  readonly title: string
  readonly programs: readonly string[]
  readonly advice: string
}

const ffmpeg: Package = {
  name: 'ffmpeg',
  title: 'FFmpeg',
  programs: ['ffmpeg', 'ffprobe'],
  advice: 'install FFmpeg (apt-get install ffmpeg, brew install ffmpeg)',
}

const redis: Package = {
  name: 'redis-server',
  title: 'Redis',
  programs: ['redis-server'],
  advice: 'install Redis (apt-get install redis-server, brew install redis)',
}

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

interface Machine {
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
}

const missingOf = ({ programs }: Package, env: NodeJS.ProcessEnv): string[] =>
  programs.filter((program) => findOnPath(program, env['PATH']) === undefined)

const install = async (
  { name, title, advice, programs }: Package,
  { env, progress }: Machine,
  isRoot: boolean,
): Promise<void> => {
  const missing = (): string[] => missingOf({ name, title, advice, programs }, env)
  if (missing().length === 0) return
  const aptGet = isRoot ? findOnPath('apt-get', env['PATH']) : undefined
  if (aptGet === undefined)
    throw new MachineNotReady([`${missing().join(' and ')} of ${title} is not on the PATH: ${advice}`])
  progress(`${name} is missing: installing it with apt-get`)
  try {
    await timed(
      progress,
      () => `${name} is installed`,
      async () => {
        // Another launcher, or the system itself, may be installing at this moment.
        const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
        await quietly(aptGet, ['update', '-qq', ...patience], env)
        await quietly(aptGet, ['install', '-y', '-qq', '--no-install-recommends', ...patience, name], env)
      },
    )
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MachineNotReady([`${name} could not be installed (${reason}): ${advice}`])
  }
  if (missing().length > 0)
    throw new MachineNotReady([`apt-get brought no ${missing().join(' and ')}: ${advice}`])
}

/**
 * Sees that ffmpeg is there, and redis-server unless the environment names a Redis. On Debian and Ubuntu, as root, they are
 * installed; elsewhere that is for the machine's owner. Redis can be done without: where it can't be had, a line says so.
 *
 * @param isRoot whether packages may be installed
 * @throws MachineNotReady with a line that says how to get it
 */
export const ensureSystemPrograms = async (
  machine: Machine,
  isRoot = process.getuid?.() === 0,
): Promise<void> => {
  await install(ffmpeg, machine, isRoot)
  if ((machine.env['REDIS_URL'] ?? '') !== '') return
  await install(redis, machine, isRoot).catch((error: unknown) => {
    if (!(error instanceof MachineNotReady)) throw error
    machine.progress(`${error.message}. Until then every process caches and limits for itself`)
  })
}
