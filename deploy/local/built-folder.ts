import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Progress, timed } from './progress.ts'

const root = resolve(import.meta.dirname, '../..')

/** The files below folders of the checkout that something is built from, tests left out. */
export const filesBelow = (folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
      .filter(({ entry, path }) => entry.isFile() && !/\.test\.|\/node_modules\//.test(path))
      .map(({ path }) => path.slice(root.length + 1))
      .sort(),
  )

const hashOf = (files: readonly string[]): string => {
  // What is built may name places.
  const hash = createHash('sha256').update(root)
  for (const file of files)
    hash
      .update('\0')
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 16)
}

/**
 * The folder of what is built from sources as they stand now. It is built when they have changed since: each state of the
 * sources has a folder of its own, so launchers that run side by side are in nobody's way.
 *
 * @param what as in "the page"
 * @param within where the folders lie
 * @param sources paths from the root of the checkout, what npm installs aside
 * @param build fills a folder that it may have to make
 */
export const builtFolder = async (o: {
  readonly what: string
  readonly within: string
  readonly sources: readonly string[]
  readonly build: (folder: string) => Promise<void>
  readonly progress: Progress
}): Promise<string> => {
  const folder = join(o.within, hashOf(['package-lock.json', ...o.sources]))
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  o.progress(`building ${o.what}`)
  try {
    await timed(
      o.progress,
      () => `${o.what}: built`,
      () => o.build(draft),
    )
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    // Another launcher may have been faster, with the same.
    if (!existsSync(folder)) throw error
  }
  return folder
}
