import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Nothing that is made of a file takes so long. */
const graceMs = 24 * 60 * 60 * 1000

/**
 * Deletes the folders that killed processes left, a day later.
 *
 * @param folder in which they are
 * @param prefix how their names begin
 */
export const sweepWorkFolders = async (folder: string, prefix: string, now: Date): Promise<void> => {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue
    const path = join(folder, name)
    // Of work that has ended meanwhile there is none.
    const begun = await stat(path).catch(() => undefined)
    if (begun !== undefined && now.getTime() - begun.mtimeMs >= graceMs)
      await rm(path, { recursive: true, force: true })
  }
}
