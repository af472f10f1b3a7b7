import { EnvironmentError } from '@veza/kit/env'
import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { lockDataDir } from './infrastructure.ts'
import { outsideFolder } from './postgres.ts'
import { readSettings } from './settings.ts'

const print = (line: string) => {
  process.stdout.write(`${line}\n`)
}

try {
  const { dataDir } = readSettings(process.env)
  const shown = relative('', dataDir) || '.'
  if (!existsSync(dataDir)) print(`nothing to delete: there is no ${shown}`)
  else if (!['secrets.json', 'programs', 'lock'].some((name) => existsSync(join(dataDir, name))))
    throw new Error(`${shown} holds nothing of Veza: delete it yourself if you mean it, or correct VEZA_DIR`)
  else {
    await lockDataDir(dataDir, print)
    const outside = outsideFolder(dataDir)
    if (outside !== undefined) rmSync(outside, { recursive: true, force: true })
    rmSync(dataDir, { recursive: true })
    print(`deleted ${shown}${outside === undefined ? '' : ` and ${outside}`}`)
  }
} catch (error) {
  const problems = error instanceof EnvironmentError ? error.problems : [(error as Error).message]
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
