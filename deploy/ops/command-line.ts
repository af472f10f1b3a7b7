import { EnvironmentError } from '@veza/kit/env'
import { type Command, UsageError } from './command.ts'
import { operatorEnvironment } from './environment.ts'

const usageOf = (program: string, commands: readonly Command[]): string => {
  const calls = commands.map(({ name, args }) => `${name} ${args}`)
  const width = Math.max(...calls.map((call) => call.length))
  const lines = commands.map(({ doc }, index) => `  ${(calls[index] ?? '').padEnd(width)}  ${doc}`)
  return `Usage: npm run ${program} -- <command>\n\n${lines.join('\n')}\n`
}

/** sysexits.h: EX_USAGE, EX_CONFIG. */
const [misused, misconfigured] = [64, 78]

const print = (line: string) => {
  process.stdout.write(`${line}\n`)
}
/** Whoever reads the lines may have enough of them, as `head` does: that is not a failure. */
const endWithReader = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.exitCode)
}
const warn = (line: string) => {
  process.stderr.write(`${line}\n`)
}

/**
 * Runs the command that the arguments name and sets the exit code; what goes wrong is told in lines, without a stack.
 *
 * @param program what `npm run` calls it
 */
export const runCommandLine = async (
  program: string,
  commands: readonly Command[],
  [name, ...args]: readonly string[],
  signal?: AbortSignal,
): Promise<void> => {
  process.stdout.on('error', endWithReader)
  const command = commands.find((one) => one.name === name)
  try {
    if (!command) throw new UsageError(name === undefined ? 'which command?' : `unknown command: ${name}`)
    const env = operatorEnvironment(process.env)
    const done = await command.run(args, { env, print, warn, ...(signal && { signal }) })
    if (!done) process.exitCode = 1
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}\n\n${usageOf(program, commands)}`)
      process.exitCode = misused
    } else if (error instanceof EnvironmentError) {
      for (const problem of error.problems) warn(problem)
      process.exitCode = misconfigured
    } else {
      warn(error instanceof Error ? error.message : String(error))
      process.exitCode = 1
    }
  }
}
