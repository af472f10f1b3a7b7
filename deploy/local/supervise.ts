import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, renameSync, type WriteStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** What one child is: how it is run, how it is asked to end, and how to see that it works. */
export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Asks for an orderly end. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT'
  /** Milliseconds between the stop signal and SIGKILL. */
  readonly graceMs: number
  /** Milliseconds that a start may take. */
  readonly readyWithinMs: number
  /** undefined = ready, otherwise what is still missing. */
  readonly check: () => Promise<string | undefined>
  /** Runs before each start, the restarts too. */
  readonly prepare?: (() => Promise<void>) | undefined
}

/** A child under supervision. Killed by its handle it is not a crash; whatever else ends it is. */
export interface Child {
  readonly name: string
  /** Of the running process, undefined while there is none. */
  readonly pid: number | undefined
  /** Path of its log, standard output and error. */
  readonly logFile: string
  /** The newest lines that it printed, at most 20. */
  readonly lastLines: readonly string[]
  /** Sends a signal. Resolves when the process is gone; at once for SIGSTOP, SIGCONT and signals that it may survive. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again, on the same ports and data, after ending it if it runs. Resolves when it is ready. */
  restart(): Promise<void>
  /** Ends it: stop signal, grace, SIGKILL. */
  readonly stop: () => Promise<void>
}

/** A child that ended without being asked to, or did not become ready. The message ends with its last lines. */
export class ChildFailed extends Error {
  readonly child: string

  constructor(child: string, what: string, lastLines: readonly string[], logFile: string) {
    const shown = lastLines.length === 0 ? '' : `\n${lastLines.map((line) => `  | ${line}`).join('\n')}`
    super(`${child} ${what} (log: ${logFile})${shown}`)
    this.child = child
  }
}

const logLimit = 20 * 1024 * 1024
const fatalSignals = new Set<NodeJS.Signals>(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT'])

/** A file that starts empty and is moved aside (`.1`, one generation) when it is full. */
const rotatingLog = (file: string) => {
  mkdirSync(dirname(file), { recursive: true })
  let size = 0
  let stream: WriteStream = createWriteStream(file, { flags: 'w' })
  const last: string[] = []
  let rest = ''
  // A full disk must not take the launcher down: it is what has to stop the others in order.
  const ignore = () => undefined
  stream.on('error', ignore)
  return {
    last,
    write: (chunk: Buffer) => {
      if (size + chunk.length > logLimit) {
        stream.end()
        renameSync(file, `${file}.1`)
        stream = createWriteStream(file, { flags: 'w' })
        stream.on('error', ignore)
        size = 0
      }
      size += chunk.length
      stream.write(chunk)
      const lines = (rest + chunk.toString()).split('\n')
      rest = (lines.pop() ?? '').slice(-4096)
      for (const line of lines) if (line.trim() !== '') last.push(line.slice(0, 500))
      last.splice(0, last.length - 20)
    },
    end() {
      stream.end()
    },
  }
}

/** Starts children, and sees to it that none outlives the launcher. */
export interface Supervisor {
  /** Starts a child and waits until it is ready. Rejects with ChildFailed. */
  start(program: Program): Promise<Child>
  /** Ends the process that ends the others should the launcher die. Call it after the last child ended. */
  close(): Promise<void>
  /** The process that outlives the launcher until all children are gone. */
  readonly watchdogPid: number | undefined
}

/** Ways of ending early. */
export interface Interrupts {
  /** Ends the starts under way, which then reject; what runs is left to stop(). */
  readonly abort?: AbortSignal | undefined
  /** Ends every child at once, without a word. */
  readonly kill?: AbortSignal | undefined
}

/**
 * Children run in sessions of their own: a Ctrl-C in the terminal reaches the launcher alone, which stops them in order.
 * @param onCrash a child ended that nobody asked to.
 */
export const createSupervisor = (
  logFolder: string,
  onCrash: (failure: ChildFailed) => void,
  interrupts: Interrupts = {},
): Supervisor => {
  const killers = new Set<() => void>()
  const logs = new Set<{ end(): void }>()
  interrupts.kill?.addEventListener('abort', () => {
    for (const kill of killers) kill()
  })
  const watchdog = spawn('/bin/sh', [join(import.meta.dirname, 'watchdog.sh')], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.on('error', () => undefined)
  watchdog.stdin.on('error', () => undefined)
  const watchdogEnded = new Promise<void>((resolve) =>
    watchdog
      .once('exit', () => {
        resolve()
      })
      .once('error', () => {
        resolve()
      }),
  )

  const start = async (program: Program): Promise<Child> => {
    const logFile = join(logFolder, `${program.name}.log`)
    const log = rotatingLog(logFile)
    logs.add(log)
    let running: { process: ChildProcess; ended: Promise<void>; asked: boolean; ready: boolean } | undefined

    const launch = () => {
      const process = spawn(program.command, program.args, {
        cwd: program.cwd,
        env: program.env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...program.owner,
      })
      const pid = process.pid
      if (pid !== undefined) watchdog.stdin.write(`+ ${program.stopSignal.slice(3)} ${pid}\n`)
      const state = {
        process,
        asked: false,
        ready: false,
        ended: new Promise<void>((resolve) => {
          const end = (what: string) => {
            if (pid !== undefined) watchdog.stdin.write(`- ${pid}\n`)
            if (running === state) running = undefined
            resolve()
            if (!state.asked && state.ready) onCrash(new ChildFailed(program.name, what, log.last, logFile))
          }
          process.once('error', (error) => {
            log.write(Buffer.from(`${error.message}\n`))
            end('could not be started')
          })
          // 'close' comes after the last output was read, but a grandchild may hold the pipe: 'exit' plus a moment is enough.
          process.once('exit', (code, signal) => {
            setTimeout(() => {
              end(signal === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${signal}`)
            }, 50)
          })
        }),
      }
      process.stdout.on('data', log.write)
      process.stderr.on('data', log.write)
      running = state
      return state
    }

    const startOnce = async () => {
      interrupts.abort?.throwIfAborted()
      await program.prepare?.()
      const state = launch()
      const deadline = Date.now() + program.readyWithinMs
      let missing: string | undefined = 'it has not answered yet'
      while (running === state && Date.now() < deadline) {
        if (interrupts.abort?.aborted === true) {
          await stop()
          throw new Error(`${program.name} was told to stop while it started`)
        }
        missing = await program
          .check()
          .catch((error: unknown) => (error instanceof Error ? error.message : 'no answer'))
        // The answer counts only if it is this process that gave it.
        if (missing === undefined && state.process.exitCode === null && state.process.signalCode === null) {
          state.ready = true
          return
        }
        await Promise.race([state.ended, delay(100)])
      }
      if (running !== state) throw new ChildFailed(program.name, 'ended while it started', log.last, logFile)
      const failure = new ChildFailed(
        program.name,
        `was not ready within ${Math.round(program.readyWithinMs / 1000)} s: ${missing ?? ''}`,
        log.last,
        logFile,
      )
      await stop()
      throw failure
    }

    const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
      const state = running
      if (state === undefined) return
      if (fatalSignals.has(signal)) state.asked = true
      state.process.kill(signal)
      if (fatalSignals.has(signal)) await state.ended
    }

    const stop = async () => {
      const state = running
      if (state === undefined) return
      state.asked = true
      // A stopped process would sleep through the signal.
      state.process.kill('SIGCONT')
      state.process.kill(program.stopSignal)
      const patience = new AbortController()
      await Promise.race([
        state.ended,
        delay(program.graceMs, undefined, { signal: patience.signal }).catch(() => undefined),
      ])
      patience.abort()
      state.process.kill('SIGKILL')
      await state.ended
    }

    killers.add(() => {
      if (running === undefined) return
      running.asked = true
      running.process.kill('SIGKILL')
    })
    await startOnce()
    return {
      name: program.name,
      get pid() {
        return running?.process.pid
      },
      logFile,
      get lastLines() {
        return log.last
      },
      kill,
      async restart() {
        await stop()
        await startOnce()
      },
      stop,
    }
  }

  return {
    start,
    get watchdogPid() {
      return watchdog.pid
    },
    async close() {
      watchdog.stdin.end()
      await watchdogEnded
      for (const log of logs) log.end()
    },
  }
}
