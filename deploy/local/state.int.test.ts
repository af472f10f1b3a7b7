import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAlive, LockHeld, takeLock } from './lock.ts'
import { loadSecrets } from './secrets.ts'
import { type ChildFailed, createSupervisor, type Program } from './supervise.ts'

const folder = { path: '' }

beforeEach(() => {
  folder.path = mkdtempSync(join(tmpdir(), 'veza-state-'))
})

afterEach(() => {
  rmSync(folder.path, { recursive: true })
})

/** A process that has ended, so that its pid is nobody's. */
const goneProcess = async (): Promise<number> => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  if (child.pid === undefined) throw new Error('node could not be started')
  return child.pid
}

describe('secrets', () => {
  test('are made up once and readable by their owner only', () => {
    const first = loadSecrets(folder.path, {})
    expect(statSync(join(folder.path, 'secrets.json')).mode & 0o777).toBe(0o600)
    expect(loadSecrets(folder.path, {})).toEqual(first)
    expect(Buffer.from(first.keyEncryptionKey, 'base64')).toHaveLength(32)
  })

  test('of the environment go before those of the file', () => {
    const own = loadSecrets(folder.path, {})
    const given = loadSecrets(folder.path, { SERVICE_TOKEN: 'a token that was given' })
    expect(given).toEqual({ ...own, serviceToken: 'a token that was given' })
  })

  test('are not made up anew beside databases that need the old ones', () => {
    mkdirSync(join(folder.path, 'postgres/data'), { recursive: true })
    expect(() => loadSecrets(folder.path, {})).toThrow(/secrets\.json is gone.*npm run reset/)
  })
})

describe('the lock', () => {
  test('is held by one, who is named to the other', async () => {
    const file = join(folder.path, 'lock')
    const lock = await takeLock(file)
    await expect(takeLock(file)).rejects.toThrow(LockHeld)
    lock.release()
    const next = await takeLock(file)
    next.release()
    expect(existsSync(file)).toBe(false)
  })

  test('of a process that is gone is taken over', async () => {
    const file = join(folder.path, 'lock')
    writeFileSync(file, JSON.stringify({ pid: await goneProcess() }))
    const lock = await takeLock(file)
    lock.release()
  })

  test.runIf(process.platform === 'linux')(
    'of a pid that is another process by now is taken over',
    async () => {
      const file = join(folder.path, 'lock')
      writeFileSync(file, JSON.stringify({ pid: process.ppid, startedAt: 'long ago' }))
      const lock = await takeLock(file)
      lock.release()
    },
  )
})

describe('supervision', () => {
  const program = (script: string): Program => ({
    name: 'child',
    command: process.execPath,
    args: ['-e', script],
    cwd: folder.path,
    env: process.env,
    stopSignal: 'SIGTERM',
    graceMs: 200,
    readyWithinMs: 20_000,
    check: () => Promise.resolve(existsSync(join(folder.path, 'ready')) ? undefined : 'not yet'),
  })
  const runs = "require('node:fs').writeFileSync('ready', ''); setInterval(() => undefined, 1000);"

  test('a crash is told with the name and the last lines; what was asked to end is no crash', async () => {
    const crashes: ChildFailed[] = []
    const supervisor = createSupervisor(join(folder.path, 'logs'), (failure) => crashes.push(failure))
    const child = await supervisor.start(program(runs))
    await child.kill('SIGKILL')
    await child.restart()
    expect(crashes).toEqual([])
    process.kill(child.pid ?? 0, 'SIGKILL')
    await expect.poll(() => crashes.length).toBe(1)
    expect(crashes[0]?.message).toMatch(/^child was ended by SIGKILL \(log: .*child\.log\)/)
    await supervisor.close()
  })

  test('a child that ends while it starts rejects with what it said', async () => {
    const supervisor = createSupervisor(join(folder.path, 'logs'), () => undefined)
    const failed = supervisor.start(program("console.error('no such disk'); process.exit(3)"))
    await expect(failed).rejects.toThrow(/^child ended while it started[^]*no such disk/)
    await supervisor.close()
  })

  test('a child that ignores the stop signal is killed after the grace, a stopped one is woken', async () => {
    const supervisor = createSupervisor(join(folder.path, 'logs'), () => undefined)
    const child = await supervisor.start(program(`process.on('SIGTERM', () => undefined); ${runs}`))
    const pid = child.pid ?? 0
    await child.kill('SIGSTOP')
    await child.stop()
    expect(isAlive(pid)).toBe(false)
    await supervisor.close()
  })

  test('children end when the launcher is killed', async () => {
    const script = `
      import { createSupervisor } from ${JSON.stringify(join(import.meta.dirname, 'supervise.ts'))}
      const supervisor = createSupervisor('logs', () => undefined)
      const child = await supervisor.start({
        name: 'child', command: process.execPath, args: ['-e', ${JSON.stringify(runs)}], cwd: process.cwd(),
        env: process.env, stopSignal: 'SIGTERM', graceMs: 200, readyWithinMs: 20_000,
        check: async () => undefined,
      })
      console.log(child.pid + ' ' + supervisor.watchdogPid)
    `
    writeFileSync(join(folder.path, 'launcher.mts'), script)
    const launcher = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), 'launcher.mts'], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer]
    const [child = 0, watchdog = 0] = line.toString().split(' ').map(Number)
    expect(isAlive(child)).toBe(true)
    launcher.kill('SIGKILL')
    await expect.poll(() => isAlive(child) || isAlive(watchdog), { timeout: 20_000 }).toBe(false)
  })
})
