import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processes, programs } from '../stack.ts'
import { isAlive } from './lock.ts'
import { freePort } from './ports.ts'
import { outsideFolder } from './postgres.ts'
import { type Endpoints } from './veza.ts'

const root = join(import.meta.dirname, '../..')
const tsx = createRequire(import.meta.url).resolve('tsx/cli')
const given = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL']
const state = { parent: '', dataDir: '', env: {} as NodeJS.ProcessEnv }
const running: ChildProcess[] = []

interface Command {
  readonly process: ChildProcess
  readonly output: () => string
  readonly exitCode: Promise<number | null>
}

/** A command of a user, who sits at a terminal: a process group of its own, that Ctrl-C reaches as a whole. */
const command = (entry: string): Command => {
  const child = spawn(process.execPath, [tsx, entry], {
    cwd: root,
    env: state.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    process: child,
    output: () => Buffer.concat(chunks).toString(),
    exitCode: once(child, 'close').then(([code]) => code as number | null),
  }
}

const started = async (): Promise<{ launcher: Command; endpoints: Endpoints }> => {
  const launcher = command('deploy/local/start.ts')
  const ended = launcher.exitCode.then(() => {
    throw new Error(launcher.output())
  })
  await Promise.race([
    expect.poll(launcher.output, { timeout: 240_000, interval: 200 }).toContain('Ctrl-C stops it'),
    ended,
  ])
  const file = join(state.dataDir, 'endpoints.json')
  return { launcher, endpoints: JSON.parse(readFileSync(file, 'utf8')) as Endpoints }
}

/** Living processes that were started for this data folder: its path is in their environment. */
const processesHere = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`VEZA_DIR=${state.dataDir}`) && isAlive(pid)
        )
      } catch {
        return false
      }
    })

beforeAll(async () => {
  // Mode 700, as mktemp makes it: PostgreSQL's own user can't get into it.
  state.parent = mkdtempSync(join(tmpdir(), 'veza-start-'))
  chmodSync(state.parent, 0o700)
  state.dataDir = join(state.parent, '.veza')
  const inherited = Object.entries(process.env).filter(([name]) => !given.includes(name))
  const ports = [
    ...Object.values(programs).map(({ port }) => port.setting),
    ...processes
      .flatMap(({ publicPort, internalPort }) => [publicPort ?? [], internalPort].flat())
      .map(({ setting }) => setting),
  ]
  const chosen = await Promise.all(ports.map(async (name) => [name, String(await freePort())] as const))
  state.env = { ...Object.fromEntries([...inherited, ...chosen]), VEZA_DIR: state.dataDir }
})

afterAll(() => {
  for (const child of running) if (child.exitCode === null && child.pid !== undefined) child.kill('SIGTERM')
  const outside = state.dataDir === '' ? undefined : outsideFolder(state.dataDir)
  if (outside !== undefined) rmSync(outside, { recursive: true, force: true })
  rmSync(state.parent, { recursive: true, force: true })
})

const account = { email: 'ana@example.org', password: 'correct horse battery', displayName: 'Ana' }

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

test.runIf(process.platform === 'linux')(
  'starts, says so to a second start, leaves nothing behind, and goes on with its data',
  { timeout: 600_000 },
  async () => {
    const first = await started()
    expect(Object.keys(first.endpoints)).toEqual([
      ...['http', 'ws', 'kafka', 'registry', 'postgres', 'redis', 'metrics'],
    ])
    for (const url of first.endpoints.metrics) expect((await fetch(url)).status).toBe(200)
    expect((await post(`${first.endpoints.http}/v1/auth/register`, account)).status).toBe(201)

    const [second, refused] = [command('deploy/local/start.ts'), command('deploy/local/reset.ts')]
    expect(await Promise.all([second.exitCode, refused.exitCode])).toEqual([1, 1])
    expect(second.output()).toMatch(/^Veza is running in .* already \(process \d+\)/m)
    expect(processesHere().length).toBeGreaterThan(6)

    // Ctrl-C: the whole process group at once.
    process.kill(-(first.launcher.process.pid ?? 0), 'SIGINT')
    expect(await first.launcher.exitCode).toBe(0)
    expect(processesHere()).toEqual([])
    expect(existsSync(join(state.dataDir, 'endpoints.json'))).toBe(false)

    const again = await started()
    const { email, password } = account
    expect((await post(`${again.endpoints.http}/v1/auth/login`, { email, password })).status).toBe(200)

    // A crash is told by name, and ends the rest.
    const victim = processesHere().find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith('/chat-fanout.js\0'),
    )
    if (victim === undefined) throw new Error('chat-fanout does not run')
    process.kill(victim, 'SIGKILL')
    expect(await again.launcher.exitCode).toBe(1)
    expect(again.launcher.output()).toMatch(/chat-fanout was ended by SIGKILL/)
    expect(processesHere()).toEqual([])

    const reset = command('deploy/local/reset.ts')
    const outside = outsideFolder(state.dataDir)
    expect(await reset.exitCode).toBe(0)
    expect(existsSync(state.dataDir)).toBe(false)
    if (outside !== undefined) expect(existsSync(outside)).toBe(false)
  },
)
