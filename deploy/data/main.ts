import { type Command } from '../ops/command.ts'
import { runCommandLine } from '../ops/command-line.ts'
import { archiveCommand } from './archive.ts'
import { describe } from './describe.ts'
import { exportCommand } from './export.ts'
import { sample } from './sample.ts'
import { tail } from './tail.ts'

/** A command more is a line here. */
const commands: readonly Command[] = [describe, tail, sample, exportCommand, archiveCommand]

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    ending.abort()
  })
// Whoever reads what is printed has had enough: `… | head`.
process.stdout.on('error', () => process.exit(0))

await runCommandLine('data', commands, ending.signal)
