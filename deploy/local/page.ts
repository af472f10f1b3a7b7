import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type Progress, timed } from './progress.ts'

const root = resolve(import.meta.dirname, '../..')
const web = join(root, 'web')

/** What the built page depends on, beside the packages that the lock file names. */
const sources = (): string[] => [
  join(root, 'package-lock.json'),
  ...['index.html', 'package.json', 'vite.config.ts'].map((name) => join(web, name)),
  ...['src', 'public'].flatMap((folder) =>
    readdirSync(join(web, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort(),
  ),
]

const hashOf = (files: readonly string[]): string => {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file))
  return hash.digest('hex').slice(0, 16)
}

const vite = (outDir: string, env: NodeJS.ProcessEnv): Promise<void> =>
  new Promise((done, reject) => {
    const program = join(
      createRequire(join(web, 'package.json')).resolve('vite/package.json'),
      '../bin/vite.js',
    )
    const child = spawn(process.execPath, [program, 'build', '--outDir', outDir, '--emptyOutDir'], {
      cwd: web,
      env: { ...env, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    const read = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-4_000)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) done()
      else reject(new Error(`the page could not be built:\n${said.trim()}`))
    })
  })

/**
 * The folder of the page as its sources stand now. It is built when they have changed since: each state of the sources has
 * a folder of its own, so launchers that run side by side are in nobody's way.
 */
export const buildPage = async ({
  programsDir,
  env,
  progress,
}: {
  /** The page lies beside it. */
  readonly programsDir: string
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
}): Promise<string> => {
  const pages = join(programsDir, '../page')
  const folder = join(pages, hashOf(sources()))
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  progress('building the page')
  await timed(
    progress,
    () => 'the page is built',
    () => vite(draft, env),
  )
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another launcher was faster, with the same.
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
