import * as real from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type * as kit from './index.ts'

const { mkdtemp, readdir, readFile, rm, rmdir } = real
/** A disk that does what it is told to, and otherwise what a disk does. */
const { open, rename, writeFile } = {
  open: vi.fn(real.open),
  rename: vi.fn(real.rename),
  writeFile: vi.fn(real.writeFile),
}
let ObjectsUnavailable: typeof kit.ObjectsUnavailable
let filesystemObjects: typeof kit.filesystemObjects
beforeAll(async () => {
  // Files of tests share a process, and its modules: these are on that disk, the others' are not.
  vi.resetModules()
  vi.doMock('node:fs/promises', () => ({ ...real, open, rename, writeFile }))
  ;({ ObjectsUnavailable, filesystemObjects } = await import('./index.ts'))
})
afterAll(() => {
  vi.doUnmock('node:fs/promises')
  vi.resetModules()
})

const failing = (code: string): Error => Object.assign(new Error(code), { code })
const folders: string[] = []
let root: string
let objects: kit.Objects
beforeEach(async () => {
  vi.resetAllMocks()
  root = await mkdtemp(join(tmpdir(), 'veza-disk-'))
  folders.push(root)
  objects = filesystemObjects(root)
})
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

const put = () => objects.put('a/b/c', Buffer.from('x'), 'text/plain')

it.each(['ENOSPC', 'EROFS', 'EMFILE'])('is not available on %s, and leaves no draft', async (code) => {
  writeFile.mockRejectedValueOnce(failing(code))
  await expect(put()).rejects.toThrow(ObjectsUnavailable)
  rename.mockRejectedValueOnce(failing(code))
  await expect(put()).rejects.toThrow(ObjectsUnavailable)
  expect(await readdir(join(root, '.drafts'))).toEqual([])
  open.mockRejectedValueOnce(failing(code))
  await expect(objects.read('a/b/c')).rejects.toThrow(ObjectsUnavailable)
})

it('does not take a file that it may not read for one that is missing, nor for a disk that comes back', async () => {
  const denied = failing('EACCES')
  open.mockRejectedValueOnce(denied)
  await expect(objects.read('a/b/c')).rejects.toBe(denied)
})

it('makes a folder again that was removed as an empty one just before, but not for ever', async () => {
  rename.mockImplementationOnce(async (from, to) => {
    await rmdir(dirname(String(to)))
    await real.rename(from, to)
  })
  await put()
  expect(await readFile(join(root, 'a/b/c'), 'utf8')).toBe('x')
  rename.mockRejectedValue(failing('ENOENT'))
  await expect(put()).rejects.toThrow('ENOENT')
})
