import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why a sandboxed program did not do its work. */
export type SandboxFailure =
  /** It ended with an exit code other than 0. */
  | 'failed'
  /** A signal ended it that was not ours: it crashed, met a resource limit, or the machine had no memory left. */
  | 'crashed'
  /** It had no room on the disk. */
  | 'disk-full'
  /** It took longer than `wallMs`. */
  | 'timed-out'
  /** It made no progress for `stallMs`. */
  | 'stalled'
  /** The caller's signal ended it. */
  | 'aborted'
  /** It could not be started: the program is not installed. */
  | 'missing'

/** Thrown by runSandboxed. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly code: SandboxFailure
  /** The end of what it wrote to standard error. */
  readonly stderr: string

  constructor(code: SandboxFailure, message: string, stderr = '', options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.stderr = stderr
  }
}

/** What a program may use. */
export interface SandboxLimits {
  /** Address space, bytes. */
  readonly memoryBytes: number
  /** Seconds of processor time, over all threads. */
  readonly cpuSeconds: number
  /** Size of any one file that it writes, bytes. */
  readonly fileBytes: number
}

/** What runSandboxed needs. */
export interface SandboxOptions {
  readonly program: string
  readonly args: readonly string[]
  /** A folder that is its own. */
  readonly cwd: string
  readonly limits: SandboxLimits
  readonly wallMs: number
  readonly stallMs: number
  readonly signal?: AbortSignal | undefined
  /** Call `progressed` when the chunk shows that work goes on. What it throws ends the program and is rejected with. */
  readonly onStdout: (chunk: Buffer, progressed: () => void) => void
}

/** How programs are kept apart here: whether they have no network, and die with this process. */
export interface Isolation {
  readonly network: boolean
  readonly wrapper: readonly string[]
}

// A killed parent must not leave an encoder behind that writes into a folder that somebody else may clean.
const diesWithParent = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--']

const candidates: readonly Isolation[] = [
  { network: true, wrapper: ['unshare', '--net', '--', ...diesWithParent] },
  // Without privileges a user namespace gives the right to make a network namespace, where the kernel allows it.
  { network: true, wrapper: ['unshare', '--map-root-user', '--net', '--', ...diesWithParent] },
  { network: false, wrapper: diesWithParent },
]

const works = async (wrapper: readonly string[]): Promise<boolean> => {
  const [program = '', ...args] = wrapper
  return run(program, [...args, 'true']).then(
    () => true,
    () => false,
  )
}

const detect = async (): Promise<Isolation> => {
  const limited = await works(['prlimit', '--core=0', '--'])
  for (const candidate of candidates) if (limited && (await works(candidate.wrapper))) return candidate
  return { network: false, wrapper: [] }
}

let detected: Promise<Isolation> | undefined

/** The strongest isolation that this machine permits, found out once a process. Empty outside of Linux. */
export const isolation = (): Promise<Isolation> => (detected ??= detect())

const maxStderr = 8 * 1024

const prlimit = ({ memoryBytes, cpuSeconds, fileBytes }: SandboxLimits): string[] => [
  'prlimit',
  `--as=${memoryBytes}`,
  `--cpu=${Math.ceil(cpuSeconds)}`,
  `--fsize=${fileBytes}`,
  '--nofile=64',
  '--core=0',
  '--',
]

/**
 * Runs a program on input that may be hostile: without network where the machine permits, with resource limits, an
 * environment that holds nothing but PATH, and no standard input. It is killed when it takes too long, makes no
 * progress, or this process dies. Standard error is drained always: a full pipe would stop the program.
 *
 * @returns the end of what it wrote to standard error
 * @throws SandboxError
 */
export const runSandboxed = async (o: SandboxOptions): Promise<string> => {
  const { wrapper } = await isolation()
  const [program = o.program, ...args] = [
    ...wrapper,
    ...(wrapper.length > 0 ? prlimit(o.limits) : []),
    o.program,
    ...o.args,
  ]
  o.signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: o.cwd,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that what it started ends with it.
      detached: true,
    })
    let stderr = ''
    let reason: Error | undefined
    const end = (why: Error): void => {
      reason ??= why
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    }
    const endAs = (code: SandboxFailure, message: string) => (): void => {
      end(new SandboxError(code, message))
    }
    const wall = setTimeout(endAs('timed-out', `${o.program} took longer than ${o.wallMs} ms`), o.wallMs)
    const stall = setTimeout(endAs('stalled', `${o.program} made no progress for ${o.stallMs} ms`), o.stallMs)
    const onAbort = endAs('aborted', `${o.program} was told to stop`)
    o.signal?.addEventListener('abort', onAbort)

    child.stdout.on('data', (chunk: Buffer) => {
      if (reason !== undefined) return
      try {
        o.onStdout(chunk, () => stall.refresh())
      } catch (error) {
        end(error instanceof Error ? error : new Error('the output was refused', { cause: error }))
      }
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-maxStderr)
    })
    child.once('error', (cause) => {
      reason ??= new SandboxError('missing', `${o.program} cannot be started`, '', { cause })
    })
    child.once('close', (exitCode, signal) => {
      clearTimeout(wall)
      clearTimeout(stall)
      o.signal?.removeEventListener('abort', onAbort)
      if (reason instanceof SandboxError)
        reject(new SandboxError(reason.code, reason.message, stderr, { cause: reason.cause }))
      else if (reason !== undefined) reject(reason)
      else if (exitCode === 0) resolve(stderr)
      // What a wrapper answers when it finds no such program.
      else if (exitCode === 127) reject(new SandboxError('missing', `${o.program} is not installed`, stderr))
      else {
        const code =
          signal !== null ? 'crashed' : /No space left on device/.test(stderr) ? 'disk-full' : 'failed'
        reject(new SandboxError(code, `${o.program} ended with ${String(signal ?? exitCode)}`, stderr))
      }
    })
  })
}
