import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'

const cli = join(import.meta.dirname, 'cli.ts')

async function contracts(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', cli, ...args], {
    env: { ...process.env, ...env },
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ])
  return { stdout, stderr, code }
}

describe('npm run contracts --', () => {
  it.each([
    ['check', /MessagePosted +v1 to v4 +compatible/],
    ['topics', /chat\.events\.v1 +room id +6 +delete +30 d +MessagePosted/],
    ['asyncapi', /^{\n {2}"asyncapi": "3\.0\.0"/],
    ['register', /v4 +chat\.events\.v1-veza\.chat\.MessagePosted/],
  ])('%s', async (command, output) => {
    const { stdout, stderr, code } = await contracts([command])
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toMatch(output)
  })

  it.each([
    [[], {}, 78, /^Usage: npm run contracts -- <command>/],
    [['chekc'], {}, 78, /^unknown command: chekc\n\nUsage:/],
    [
      ['register'],
      { SCHEMA_REGISTRY_URL: '' },
      78,
      /^SCHEMA_REGISTRY_URL is not set; it looks like http\S+\n$/,
    ],
    [
      ['diff'],
      { SCHEMA_REGISTRY_URL: 'registry' },
      78,
      /^SCHEMA_REGISTRY_URL is no http\(s\) address; [^\n]+\n$/,
    ],
    [
      ['diff'],
      { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' },
      1,
      /^SCHEMA_REGISTRY_URL: schema registry [^\n]+\n$/,
    ],
    [['topics', '--create'], { KAFKA_BROKERS: '' }, 78, /^KAFKA_BROKERS is not set; it looks like [^\n]+\n$/],
    [
      ['topics', '--create'],
      { TOPIC_REPLICATION: 'two' },
      78,
      /^TOPIC_REPLICATION is a whole number from 1\n$/,
    ],
    [
      ['topics', '--create'],
      { KAFKA_BROKERS: '127.0.0.1:1' },
      1,
      /^KAFKA_BROKERS \(127\.0\.0\.1:1\): [^\n]+\n$/,
    ],
  ])('%j with %j exits %i and says why', async (args, env, exitCode, message) => {
    const { stdout, stderr, code } = await contracts(args, env)
    expect({ stdout, code }).toEqual({ stdout: '', code: exitCode })
    expect(stderr).toMatch(message)
  })
})
