import { EnvironmentError } from '@veza/kit/env'
import { type Command, type CommandIo, UsageError } from './command.ts'
import { operatorEnvironment } from './environment.ts'

const usageOf = (program: string, commands: readonly Command[]): string => {
  const calls = commands.map(({ name, args }) => `${name} ${args}`)
  const width = Math.max(...calls.map((call) => call.length))
  const lines = commands.map(({ doc }, index) => `  ${(calls[index] ?? '').padEnd(width)}  ${doc}`)
  return `Usage: npm run ${program} -- <command>\n\n${lines.join('\n')}\n`
}

/** sysexits.h: EX_USAGE, EX_CONFIG. */
const [misused, misconfigured] = [64, 78]

/**
 * Does what the command that the arguments name does; what goes wrong is told in lines, without a stack.
 *
 * @param program what `npm run` calls it
 * @returns the exit code
 */
export const runCommand = async (
  program: string,
  commands: readonly Command[],
  [name, ...args]: readonly string[],
  io: CommandIo,
): Promise<number> => {
  const { warn } = io
  try {
    const command = commands.find((one) => one.name === name)
    if (!command) throw new UsageError(name === undefined ? 'which command?' : `unknown command: ${name}`)
    const done = await command.run(args, { ...io, env: operatorEnvironment(io.env) })
    return done ? 0 : 1
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}\n\n${usageOf(program, commands)}`)
      return misused
    }
    if (error instanceof EnvironmentError) {
      for (const problem of error.problems) warn(problem)
      return misconfigured
    }
    warn(error instanceof Error ? error.message : String(error))
    return 1
  }
}

/** Whoever reads the lines may have enough of them, as `head` does: that is not a failure. */
const endWithReader = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.exitCode)
}

/** The whole of a program of commands: runs the one that it was called with and sets the exit code. */
export const runCommandLine = async (
  program: string,
  commands: readonly Command[],
  signal?: AbortSignal,
): Promise<void> => {
  process.stdout.on('error', endWithReader)
  process.exitCode = await runCommand(program, commands, process.argv.slice(2), {
    env: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    warn: (line) => process.stderr.write(`${line}\n`),
    ...(signal && { signal }),
  })
}
