import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureSystemPrograms } from './system-programs.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'veza-system-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const program = (name: string, script: string): void => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
}

const ensure = async (
  isRoot: boolean,
  env: Record<string, string> = {},
): Promise<{ said: string[]; problem: string | undefined }> => {
  const said: string[] = []
  const problem = await ensureSystemPrograms(
    { env: { PATH: folder, ...env }, progress: (line) => void said.push(line) },
    isRoot,
  ).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  )
  return { said, problem }
}

/** A package manager that brings what is named, and writes down what it was asked. */
const aptGet = (brings: string): void => {
  program('apt-get', `echo "$@" >> ${join(folder, 'asked')}\n${brings}`)
}
const both = () =>
  ['ffmpeg', 'ffprobe']
    .map(
      (name) =>
        `[ "$1" = update ] || { echo > ${join(folder, name)}; /bin/chmod 755 ${join(folder, name)}; }`,
    )
    .join('\n')

test('a machine that has them is left alone', async () => {
  for (const name of ['ffmpeg', 'ffprobe', 'redis-server']) program(name, '')
  aptGet('')
  expect(await ensure(true)).toEqual({ said: [], problem: undefined })
  expect(existsSync(join(folder, 'asked'))).toBe(false)
})

test('root on Debian gets it installed, and is told', async () => {
  aptGet(both())
  program('redis-server', '')
  const { said, problem } = await ensure(true)
  expect(problem).toBeUndefined()
  expect(said[0]).toBe('ffmpeg is missing: installing it with apt-get')
  expect(said[1]).toMatch(/^ffmpeg is installed \(/)
  expect(readFileSync(join(folder, 'asked'), 'utf8')).toMatch(/^update .*\ninstall -y .* ffmpeg\n$/)
})

test('anybody else is told in one line what is missing and how to get it', async () => {
  const advice =
    'ffmpeg and ffprobe of FFmpeg is not on the PATH: install FFmpeg (apt-get install ffmpeg, brew install ffmpeg)'
  expect((await ensure(true)).problem).toBe(advice)
  aptGet(both())
  expect((await ensure(false)).problem).toBe(advice)
})

test('an installation that fails says why', async () => {
  aptGet('echo "E: no network" >&2; exit 100')
  expect((await ensure(true)).problem).toMatch(
    /^ffmpeg could not be installed \(.*ended with 100: E: no network\)/,
  )
  aptGet('')
  expect((await ensure(true)).problem).toMatch(/^apt-get brought no ffmpeg and ffprobe/)
})

test('Redis is installed like ffmpeg, but nothing fails for want of it', async () => {
  for (const name of ['ffmpeg', 'ffprobe']) program(name, '')
  const cannot =
    'redis-server of Redis is not on the PATH: install Redis (apt-get install redis-server, brew install redis). Until then every process caches and limits for itself'
  expect(await ensure(false)).toEqual({ said: [cannot], problem: undefined })
  expect(await ensure(false, { REDIS_URL: 'redis://elsewhere:6379' })).toEqual({
    said: [],
    problem: undefined,
  })
  aptGet('echo "E: no network" >&2; exit 100')
  expect(await ensure(true)).toMatchObject({
    said: [
      'redis-server is missing: installing it with apt-get',
      expect.stringContaining('ended with 100: E: no network') as string,
    ],
    problem: undefined,
  })
  aptGet(
    `[ "$1" = update ] || { echo > ${join(folder, 'redis-server')}; /bin/chmod 755 ${join(folder, 'redis-server')}; }`,
  )
  expect((await ensure(true)).said.at(-1)).toMatch(/^redis-server is installed \(/)
})
