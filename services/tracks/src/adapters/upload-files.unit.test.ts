import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { uploadFiles } from './upload-files.ts'

it('knows what has arrived, removes all of it, and says when there is no folder to store in', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'veza-upload-files-'))
  const folder = join(dir, 'made', 'here')
  const files = await uploadFiles(folder, 1_000)
  expect(await files.check()).toBeUndefined()
  expect(await files.arrived('one')).toBeUndefined()
  await writeFile(files.pathOf('one'), 'bytes')
  await writeFile(`${files.pathOf('one')}.json`, '{}')
  const at = new Date('2026-11-24T12:30:00Z')
  await utimes(files.pathOf('one'), at, at)
  expect(await files.arrived('one')).toEqual({ bytes: 5, at })
  await files.remove('one')
  await files.remove('one')
  expect(await readdir(folder)).toEqual([])
  await rm(dir, { recursive: true })
  expect(await files.check()).toContain('ENOENT')
})
