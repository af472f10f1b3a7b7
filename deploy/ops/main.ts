import { EnvironmentError } from '@veza/kit/env'
import { grantRole, importUsers, rebuildAccounts } from './accounts.ts'
import { rebuildChatCounts } from './chat.ts'
import { type Command, UsageError } from './command.ts'
import { operatorEnvironment } from './environment.ts'
import { rebase, replayReadModel } from './events.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { retranscode } from './tracks.ts'

/** A command more is a line here. */
const commands: readonly Command[] = [
  grantRole,
  importUsers,
  rebuildAccounts,
  rebuildChatCounts,
  rewrapKeys,
  replayReadModel,
  rebase,
  retranscode,
]

const usage = (): string => {
  const calls = commands.map(({ name, args }) => `${name} ${args}`)
  const width = Math.max(...calls.map((call) => call.length))
  const lines = commands.map(({ doc }, index) => `  ${(calls[index] ?? '').padEnd(width)}  ${doc}`)
  return `Usage: npm run ops -- <command>\n\n${lines.join('\n')}\n`
}

/** sysexits.h: EX_USAGE, EX_CONFIG. */
const [misused, misconfigured] = [64, 78]

const print = (line: string) => {
  process.stdout.write(`${line}\n`)
}
const warn = (line: string) => {
  process.stderr.write(`${line}\n`)
}

const [name, ...args] = process.argv.slice(2)
const command = commands.find((one) => one.name === name)
try {
  if (!command) throw new UsageError(name === undefined ? 'which command?' : `unknown command: ${name}`)
  const done = await command.run(args, { env: operatorEnvironment(process.env), print, warn })
  if (!done) process.exitCode = 1
} catch (error) {
  if (error instanceof UsageError) {
    warn(`${error.message}\n\n${usage()}`)
    process.exitCode = misused
  } else if (error instanceof EnvironmentError) {
    for (const problem of error.problems) warn(problem)
    process.exitCode = misconfigured
  } else {
    warn(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
