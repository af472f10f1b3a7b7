import { createRequire } from 'node:module'
import { join } from 'node:path'
import { nodeFlags, processes, type ProcessName, type StackView, type VezaProcess } from '../stack.ts'
import { type Progress, timed } from './progress.ts'
import { type Child, type Program, type Supervisor } from './supervise.ts'

const root = join(import.meta.dirname, '../..')
const typescriptLoader = createRequire(import.meta.url).resolve('tsx')

const readiness = async (port: number): Promise<string | undefined> => {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) })
  const text = await response.text()
  return response.ok ? undefined : text
}

/** How one process is run. */
export const programOf = (process: VezaProcess, stack: StackView, env: NodeJS.ProcessEnv): Program => ({
  name: process.name,
  command: globalThis.process.execPath,
  args: [...nodeFlags, '--import', typescriptLoader, process.entry],
  cwd: root,
  env: { ...env, ...process.env(stack) },
  stopSignal: 'SIGTERM',
  // A process itself gives up closing after 30 s.
  graceMs: 35_000,
  readyWithinMs: 60_000,
  check: () => readiness(stack.ports[process.name].internal),
})

/**
 * Starts Veza's processes, each when those that it needs are ready, and waits until all are.
 * @param started is told of each child at once, so that a failure half-way leaves none behind
 */
export const startProcesses = async (o: {
  readonly stack: StackView
  readonly supervisor: Supervisor
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly started: (name: ProcessName, child: Child) => void
}): Promise<void> => {
  const starts = new Map<string, Promise<void>>()
  for (const process of processes)
    starts.set(
      process.name,
      Promise.all(process.needs.map((name) => starts.get(name) ?? Promise.resolve())).then(() =>
        timed(
          o.progress,
          () => `${process.name} is ready`,
          async () => {
            o.started(process.name, await o.supervisor.start(programOf(process, o.stack, o.env)))
          },
        ),
      ),
    )
  const outcomes = await Promise.allSettled(starts.values())
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
