import type * as disk from 'node:fs/promises'
import { mkdtemp, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { filesystemObjects, type Objects, ObjectsUnavailable } from './index.ts'

/** A disk that does what it is told to, and otherwise what a disk does. */
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof disk>()
  return { ...real, open: vi.fn(real.open), rename: vi.fn(real.rename), writeFile: vi.fn(real.writeFile) }
})

const failing = (code: string): Error => Object.assign(new Error(code), { code })
const folders: string[] = []
let root: string
let objects: Objects
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
  vi.mocked(writeFile).mockRejectedValueOnce(failing(code))
  await expect(put()).rejects.toThrow(ObjectsUnavailable)
  vi.mocked(rename).mockRejectedValueOnce(failing(code))
  await expect(put()).rejects.toThrow(ObjectsUnavailable)
  expect(await readdir(join(root, '.drafts'))).toEqual([])
  vi.mocked(open).mockRejectedValueOnce(failing(code))
  await expect(objects.read('a/b/c')).rejects.toThrow(ObjectsUnavailable)
})

it('does not take a file that it may not read for one that is missing, nor for a disk that comes back', async () => {
  const denied = failing('EACCES')
  vi.mocked(open).mockRejectedValueOnce(denied)
  await expect(objects.read('a/b/c')).rejects.toBe(denied)
})

it('makes a folder again that was removed as an empty one just before, but not for ever', async () => {
  vi.mocked(rename).mockImplementationOnce(async (from, to) => {
    await rmdir(dirname(String(to)))
    await rename(from, to)
  })
  await put()
  expect(await readFile(join(root, 'a/b/c'), 'utf8')).toBe('x')
  vi.mocked(rename).mockRejectedValue(failing('ENOENT'))
  await expect(put()).rejects.toThrow('ENOENT')
})
