import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { migrateAuth } from '@veza/auth/migrate'
import { type FreshDatabase, freshDatabase, infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callOps } from './testing/call-ops.ts'

let database: FreshDatabase
let folder: string
let env: Record<string, string>
beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  database = await freshDatabase()
  await migrateAuth(database.url)
  folder = await mkdtemp(join(tmpdir(), 'veza-ops-'))
  env = {
    VEZA_DIR: folder,
    AUTH_DATABASE_URL: database.url,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  }
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true })
})

const ops = (args: readonly string[], settings = env) => callOps(args, settings)

it('imports users from a file, tells bad lines, and makes one of them an administrator', async () => {
  const file = join(folder, 'users.ndjson')
  const people = [1, 2].map((id) => JSON.stringify({ id, email: `p${id}@example.org`, displayName: 'P' }))
  await writeFile(file, `${people.join('\n')}\n{"id": 3}\n`)
  const first = await ops(['import-users', file])
  expect(first).toEqual({
    code: 1,
    output: '2 imported, 0 were here, 1 refused\n',
    errors: 'line 3: email is no e-mail address\n',
  })
  expect((await ops(['import-users', file])).output).toBe('0 imported, 2 were here, 1 refused\n')
  const granted = await ops(['grant-role', 'P1@example.org', 'admin'])
  expect([granted.code, granted.output]).toEqual([
    0,
    expect.stringMatching(/^[0-9a-f-]{36} has the roles admin\n$/),
  ])
  const nobody = await ops(['grant-role', 'nobody@example.org', 'admin'])
  expect([nobody.code, nobody.errors]).toEqual([1, 'no account has the address nobody@example.org\n'])
})

it('says how it is called, and which settings are missing', async () => {
  for (const args of [[], ['fly'], ['grant-role', 'p1@example.org', 'root'], ['import-users']]) {
    const { code, errors } = await ops(args)
    expect([code, errors]).toEqual([64, expect.stringContaining('Usage: npm run ops -- <command>')])
  }
  const { code, errors } = await ops(['grant-role', 'p1@example.org', 'admin'], { VEZA_DIR: folder })
  expect([code, errors]).toEqual([78, expect.stringContaining('AUTH_DATABASE_URL is missing')])
  expect((await ops(['import-users', join(folder, 'none')])).code).toBe(1)
})

it('is a program, whose lines and exit code are the same', async () => {
  const args = [
    '--import',
    'tsx',
    join(import.meta.dirname, 'main.ts'),
    'grant-role',
    'p1@example.org',
    'admin',
  ]
  const called = promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env['PATH'], VEZA_DIR: folder },
  })
  await expect(called).rejects.toMatchObject({
    ...{ code: 78, stdout: '' },
    stderr: expect.stringMatching(/^AUTH_DATABASE_URL is missing.*\n/) as string,
  })
})
