import { EnvironmentError } from '@veza/kit/env'
import { relative } from 'node:path'
import { MachineNotReady } from './checks.ts'
import { readSettings } from './settings.ts'
import { ChildFailed } from './supervise.ts'
import { startVeza, type Veza } from './veza.ts'

const from = process.hrtime.bigint()
const print = (line: string) => {
  process.stdout.write(`${line}\n`)
}
const progress = (line: string) => {
  const seconds = Number(process.hrtime.bigint() - from) / 1e9
  print(`${seconds.toFixed(1).padStart(6)} s  ${line}`)
}
// A terminal that was closed must not end the launcher before its children.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

const abort = new AbortController()
const kill = new AbortController()
let end: (exitCode: number) => void = () => undefined
const ended = new Promise<number>((resolve) => {
  end = resolve
})

let stopAskedAt: number | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    const now = Date.now()
    if (stopAskedAt === undefined) {
      stopAskedAt = now
      progress('stopping (once more: at once)')
      abort.abort()
      end(0)
      // npm and tsx pass on a signal that the terminal sent to all of them already.
    } else if (now - stopAskedAt > 500) kill.abort()
  })

const onCrash = (failure: ChildFailed) => {
  // While everything stops, what fails for want of the others is no news.
  if (abort.signal.aborted) return
  progress(failure.message)
  abort.abort()
  end(1)
}

const problemsOf = (error: unknown): readonly string[] => {
  if (error instanceof MachineNotReady || error instanceof EnvironmentError) return error.problems
  if (error instanceof ChildFailed) return [error.message]
  return [error instanceof Error ? error.message : String(error)]
}

const show = ({ endpoints, infrastructure, processes }: Veza, dataDir: string) => {
  const postgres = new URL(endpoints.postgres)
  const password = infrastructure.postgres === undefined ? '' : '  (password: secrets.json)'
  print(`
  The page    ${endpoints.http}
  HTTP        ${endpoints.http}  (documentation: ${endpoints.http}/docs)
  WebSocket   ${endpoints.ws}
  Kafka       ${endpoints.kafka}
  registry    ${endpoints.registry}
  PostgreSQL  ${postgres.username}@${postgres.host}${password}
  Redis       ${endpoints.redis === '' ? 'none' : new URL(endpoints.redis).host}
  logs        ${relative('', dataDir) || '.'}/logs: ${[...Object.values(infrastructure), ...Object.values(processes)].map(({ name }) => name).join(', ')}

  Veza runs. Ctrl-C stops it.
`)
}

const main = async (): Promise<number> => {
  try {
    const settings = readSettings(process.env)
    progress('starting Veza')
    const veza = await startVeza({ ...settings, progress, onCrash, abort: abort.signal, kill: kill.signal })
    if (!abort.signal.aborted) show(veza, settings.dataDir)
    const code = await ended
    await veza.stop()
    progress('stopped')
    return code
  } catch (error) {
    if (abort.signal.aborted) {
      progress('stopped')
      return await ended
    }
    for (const problem of problemsOf(error)) process.stderr.write(`${problem}\n`)
    return 1
  }
}

process.exit(await main())
