import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findOnPath } from './java.ts'
import { type Program } from './supervise.ts'

/** Where redis-server is, if it is anywhere. */
export const findRedis = (env: NodeJS.ProcessEnv): string | undefined =>
  findOnPath('redis-server', env['PATH'])

/** undefined when a Redis answers. */
const answers = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 })
    const settle = (problem: string | undefined) => {
      socket.destroy()
      resolve(problem)
    }
    socket
      .once('connect', () => socket.write('PING\r\n'))
      .once('data', (answer) => {
        settle(answer.toString().startsWith('+PONG') ? undefined : answer.toString().trim())
      })
      .once('error', (error) => {
        settle(error.message)
      })
      .once('timeout', () => {
        settle('no answer')
      })
      .once('close', () => {
        settle('it closed the connection')
      })
  })

/** Nothing is kept over a restart: what was cached before it might be wrong after it. */
const settings: Readonly<Record<string, string>> = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  maxmemory: '128mb',
  'maxmemory-policy': 'allkeys-lru',
}

/** The Redis of this data folder. */
export const redisProgram = (o: {
  readonly command: string
  readonly dataDir: string
  readonly port: number
}): { program: Program; url: string } => {
  const folder = join(o.dataDir, 'redis')
  mkdirSync(folder, { recursive: true })
  return {
    url: `redis://127.0.0.1:${o.port}`,
    program: {
      name: 'redis',
      command: o.command,
      args: [
        ...['--port', String(o.port)],
        ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      ],
      cwd: folder,
      env: process.env,
      stopSignal: 'SIGTERM',
      graceMs: 5_000,
      readyWithinMs: 20_000,
      check: () => answers(o.port),
    },
  }
}
