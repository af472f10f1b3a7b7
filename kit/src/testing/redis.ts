import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A Redis of one test file's own. */
export interface TestRedis {
  readonly url: string
  readonly port: number
  /** kill: all that is in it is lost. stop: nobody is answered, until cont. */
  readonly signal: (name: 'SIGSTOP' | 'SIGCONT') => void
  readonly kill: () => Promise<void>
  /** Again, on the same port, empty. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

export const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts redis-server on a port of its own, without persistence. @param settings of redis.conf, by name */
export const startRedis = async (settings: Readonly<Record<string, string>> = {}): Promise<TestRedis> => {
  const folder = mkdtempSync(join(tmpdir(), 'veza-redis-'))
  const port = await freePort()
  let server: ChildProcess | undefined
  const end = (): void => void server?.kill('SIGKILL')
  process.once('exit', end)

  const start = async (): Promise<void> => {
    const args = Object.entries({ bind: '127.0.0.1', save: '', ...settings }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ])
    const child = spawn('redis-server', ['--port', String(port), ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    server = child
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-2_000)
        if (said.includes('Ready to accept connections')) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => {
        reject(new Error(`redis-server ended: ${said}`))
      })
    })
  }
  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (name) => void server?.kill(name),
    kill,
    start,
    async stop() {
      await kill()
      process.removeListener('exit', end)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
