import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'

const main = join(import.meta.dirname, '../../deploy/ops/main.ts')

/** A command for operators on the stack under test (`npm run ops -- …`). Rejects with what it printed when it fails. */
export const ops = async (...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, ...args], {
    env: { PATH: process.env['PATH'], ...inject('veza').operator },
  })
  return stdout
}
