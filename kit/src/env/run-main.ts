import { type Logger, createLog } from '../log/index.ts'
import { EnvironmentError } from './read-env.ts'

/** What a running process offers to its main function. */
export interface Run {
  /**
   * Remembers how to close a part. On SIGTERM or SIGINT, and when main fails, parts are closed one after the other,
   * the last opened first.
   */
  readonly onStop: (part: string, close: () => void | Promise<void>) => void
  /** Stops the process as a failure (exit code 1), for parts that fail in the background. */
  readonly fail: (error: unknown) => void
}

const misconfigured = 78 // EX_CONFIG of sysexits.h
const stopDeadlineMs = 30_000

/**
 * Runs a process. `main` opens the parts and resolves when it is up (or done: a process with nothing left open ends
 * by itself). An EnvironmentError is printed as plain lines on stderr and exits with 78; any other error is logged as
 * fatal and exits with 1. SIGTERM and SIGINT close the parts and exit with 0; a second one, or a close that takes
 * longer than 30 s, exits with 1.
 */
export const runMain = async (
  name: string,
  main: (run: Run) => Promise<void>,
  log: Logger = createLog(name),
): Promise<void> => {
  const parts: { part: string; close: () => void | Promise<void> }[] = []
  let closing = false

  const stop = async (exitCode: number): Promise<never> => {
    closing = true
    let code = exitCode
    let current = ''
    const patience = setTimeout(() => {
      log.fatal({ part: current }, `gave up closing after ${stopDeadlineMs / 1000} s`)
      process.exit(1)
    }, stopDeadlineMs).unref()
    for (let next = parts.pop(); next !== undefined; next = parts.pop()) {
      current = next.part
      try {
        await next.close()
      } catch (error) {
        log.error({ err: error, part: current }, 'failed to close')
        code = 1
      }
    }
    clearTimeout(patience)
    process.exit(code)
  }

  const fail = (error: unknown): void => {
    if (error instanceof EnvironmentError) {
      process.stderr.write(`${name}: the environment is not right\n  ${error.problems.join('\n  ')}\n`)
    } else {
      log.fatal({ err: error }, 'failed')
    }
    // A failure while closing is logged, and closing goes on.
    if (!closing) void stop(error instanceof EnvironmentError ? misconfigured : 1)
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closing) {
        log.fatal({ signal }, 'told to stop twice')
        process.exit(1)
      }
      log.info({ signal }, 'stopping')
      void stop(0)
    })
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)

  try {
    await main({ onStop: (part, close) => void parts.push({ part, close }), fail })
  } catch (error) {
    fail(error)
  }
}
