import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { nodeFlags } from '@veza/deploy/stack'

const root = join(import.meta.dirname, '../..')

/** A process of Veza's beside the bench, with settings of its own; what it says that matters goes where the bench's errors go. */
export const startEntry = (
  entry: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess =>
  spawn(process.execPath, [...nodeFlags, '--import', 'tsx', join(root, entry), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
