import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { builtFolder, filesBelow } from './built-folder.ts'
import { type Progress } from './progress.ts'

const web = resolve(import.meta.dirname, '../../web')

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
 * The folder of the page as its sources stand now.
 *
 * @param programsDir the page lies beside it
 */
export const buildPage = ({
  programsDir,
  env,
  progress,
}: {
  readonly programsDir: string
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
}): Promise<string> =>
  builtFolder({
    what: 'the page',
    within: join(programsDir, '../page'),
    sources: [
      ...['index.html', 'package.json', 'vite.config.ts'].map((name) => `web/${name}`),
      ...filesBelow(['web/src', 'web/public']),
    ],
    build: (folder) => vite(folder, env),
    progress,
  })
