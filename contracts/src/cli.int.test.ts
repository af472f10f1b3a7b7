import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { run } from './commands.ts'
import { SettingError } from './settings.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('npm run contracts --', () => {
  it.each([
    ['check', /MessagePosted +v1 to v4 +compatible/],
    ['topics', /chat\.events\.v1 +room id +6 +delete +30 d +MessagePosted/],
    ['asyncapi', /^{\n {2}"asyncapi": "3\.0\.0"/],
    ['register', /v4 +chat\.events\.v1-veza\.chat\.MessagePosted/],
  ])('%s', async (command, output) => {
    expect(await run([command])).toMatch(output)
  })

  it.each([
    [[], {}, SettingError, /^Usage: npm run contracts -- <command>/],
    [['chekc'], {}, SettingError, /^unknown command: chekc\n\nUsage:/],
    [
      ['register'],
      { SCHEMA_REGISTRY_URL: '' },
      SettingError,
      /^SCHEMA_REGISTRY_URL is not set; it looks like http\S+$/,
    ],
    [
      ['diff'],
      { SCHEMA_REGISTRY_URL: 'registry' },
      SettingError,
      /^SCHEMA_REGISTRY_URL is no http\(s\) address; [^\n]+$/,
    ],
    [
      ['diff'],
      { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' },
      Error,
      /^SCHEMA_REGISTRY_URL: schema registry [^\n]+$/,
    ],
    [
      ['topics', '--create'],
      { KAFKA_BROKERS: '' },
      SettingError,
      /^KAFKA_BROKERS is not set; it looks like [^\n]+$/,
    ],
    [
      ['topics', '--create'],
      { TOPIC_REPLICATION: 'two' },
      SettingError,
      /^TOPIC_REPLICATION is a whole number from 1$/,
    ],
    [
      ['topics', '--create'],
      { KAFKA_BROKERS: '127.0.0.1:1' },
      Error,
      /^KAFKA_BROKERS \(127\.0\.0\.1:1\): [^\n]+$/,
    ],
  ])('%j with %j says why not', async (args, env, kind, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const failure: unknown = await (async () => run(args))().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    expect(failure instanceof SettingError).toBe(kind === SettingError)
    expect((failure as Error).message).toMatch(message)
  })
})

describe('the program', () => {
  const program = (args: readonly string[], env: Record<string, string> = {}) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'cli.ts'), ...args], {
      env: { ...process.env, ...env },
    })

  it('prints what a command gives, and nothing else', async () => {
    expect(await program(['check'])).toEqual({ stdout: await run(['check']), stderr: '' })
  })

  it.each([
    [{ SCHEMA_REGISTRY_URL: '' }, 78, /^SCHEMA_REGISTRY_URL is not set; it looks like http\S+\n$/],
    [{ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' }, 1, /^SCHEMA_REGISTRY_URL: schema registry [^\n]+\n$/],
  ])('with %j exits %i and says why in a line', async (env, code, line) => {
    await expect(program(['diff'], env)).rejects.toMatchObject({
      ...{ code, stdout: '' },
      stderr: expect.stringMatching(line) as string,
    })
  })
})
