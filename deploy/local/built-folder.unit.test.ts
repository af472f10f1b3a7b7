import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { builtFolder, filesBelow } from './built-folder.ts'

let within: string
beforeEach(async () => {
  within = await mkdtemp(join(tmpdir(), 'veza-built-'))
})
afterEach(() => rm(within, { recursive: true }))

const building = (build: (folder: string) => Promise<void>, sources = ['deploy/stack.ts']) =>
  builtFolder({ what: 'it', within, sources, build, progress: () => undefined })

const fill = async (folder: string) => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'file'), 'built')
}

test('where another launcher was faster, what it has built is taken', async () => {
  const folder = await building(async (draft) => {
    await fill(draft)
    await fill(draft.replace(/\.\d+$/, ''))
  })
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('built')
  expect(await readdir(within)).toHaveLength(1)
})

test('it is built once for a state of its sources, and anew for another', async () => {
  const build = vi.fn(fill)
  const folder = await building(build)
  expect(await building(build)).toBe(folder)
  expect(await building(build, ['deploy/stack.ts', 'deploy/bundle.ts'])).not.toBe(folder)
  expect(build).toHaveBeenCalledTimes(2)
})

test('what could not be built leaves no folder that would be taken for it', async () => {
  const fail = async (draft: string) => {
    await fill(draft)
    throw new Error('line 3')
  }
  await expect(building(fail)).rejects.toThrow('line 3')
  expect(await readdir(within)).toEqual([])
  await building(fill)
  expect(await readdir(within)).toHaveLength(1)
})

test('sources are what lies below the folders, tests and packages left out', () => {
  const files = filesBelow(['deploy'])
  expect(files).toContain('deploy/local/built-folder.ts')
  expect(files.filter((file) => /\.test\.|node_modules/.test(file))).toEqual([])
})
