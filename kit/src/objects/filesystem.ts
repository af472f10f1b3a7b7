import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  access,
  constants,
  copyFile,
  mkdir,
  open,
  opendir,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf } from '../log/index.ts'
import { checkKey, type ObjectInfo, type Objects, ObjectsUnavailable } from './types.ts'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Of a disk that is full, read-only, or gone for a moment. */
const awayCodes = new Set<string | undefined>([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ESTALE',
])

const orAway = (error: unknown): never => {
  throw awayCodes.has(codeOf(error)) ? new ObjectsUnavailable(error) : error
}

const orMissing = (error: unknown): undefined => {
  const code = codeOf(error)
  // ENOTDIR: a key below another key's file.
  return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : orAway(error)
}

/** After the rename of a file that was not on its disk, a crash of the machine could leave an empty one. */
const flush = async (path: string): Promise<void> => {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Objects as files below a folder, which several processes of one machine may share. */
export const filesystemObjects = (root: string): Objects => {
  const drafts = join(root, '.drafts')
  const pathOf = (key: string): string => join(root, checkKey(key))

  const infoOf = async (key: string): Promise<ObjectInfo | undefined> => {
    const found = await stat(pathOf(key)).catch(orMissing)
    return found?.isFile() ? { key, bytes: found.size, modifiedAt: found.mtime } : undefined
  }

  /** Into its place, even where a folder is being removed at this moment because it has become empty. */
  const place = async (draft: string, path: string, attempts = 3): Promise<void> => {
    await mkdir(dirname(path), { recursive: true })
    try {
      await rename(draft, path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempts === 1) throw error
      await place(draft, path, attempts - 1)
    }
  }

  /** A key's folders, as far up as nothing is in them; the first one stays. */
  const removeEmpty = async (key: string): Promise<void> => {
    for (let folder = dirname(key); folder.includes('/'); folder = dirname(folder))
      try {
        await rmdir(join(root, folder))
      } catch {
        return
      }
  }

  return {
    async put(key, content) {
      const path = pathOf(key)
      const draft = join(drafts, randomUUID())
      try {
        await mkdir(drafts, { recursive: true })
        if (Buffer.isBuffer(content)) await writeFile(draft, content)
        else await copyFile(content.path, draft, constants.COPYFILE_FICLONE)
        await flush(draft)
        await place(draft, path)
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined)
        orAway(error)
      }
    },
    head: infoOf,
    async read(key, range) {
      const file = await open(pathOf(key)).catch(orMissing)
      return file && createReadStream('', { fd: file, ...range })
    },
    async *list(prefix) {
      const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : dirname(prefix)
      const found = await readdir(folder === '.' ? root : pathOf(folder), {
        recursive: true,
        withFileTypes: true,
      }).catch(orMissing)
      for (const entry of found ?? []) {
        const key = join(entry.parentPath, entry.name).slice(root.length + 1)
        if (!entry.isFile() || !key.startsWith(prefix) || key.startsWith('.')) continue
        const info = await infoOf(key)
        if (info !== undefined) yield info
      }
    },
    async *children(prefix) {
      const folder = await opendir(pathOf(prefix)).catch(orMissing)
      for await (const entry of folder ?? [])
        if (entry.isDirectory()) yield `${prefix}${entry.name}/`
        else if (entry.isFile()) yield prefix + entry.name
    },
    async delete(keys) {
      for (const key of keys) {
        await rm(pathOf(key), { force: true }).catch(orMissing)
        await removeEmpty(key)
      }
    },
    async sweepDrafts(before) {
      for (const name of (await readdir(drafts).catch(orMissing)) ?? []) {
        const draft = join(drafts, name)
        // Of a put that has ended meanwhile there is none.
        const found = await stat(draft).catch(orMissing)
        if (found !== undefined && found.mtime < before) await rm(draft, { force: true }).catch(orMissing)
      }
    },
    signedUrl: () => Promise.resolve(undefined),
    async check() {
      try {
        await mkdir(root, { recursive: true })
        await access(root, constants.R_OK | constants.W_OK)
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    },
    close: () => undefined,
  }
}
