import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundleProcesses } from '../bundle.ts'
import { nodeFlags, processes, type ProcessName, type StackView, type VezaProcess } from '../stack.ts'
import { builtFolder, filesBelow } from './built-folder.ts'
import { type Progress, timed } from './progress.ts'
import { type Child, type Program, type Supervisor } from './supervise.ts'

const root = join(import.meta.dirname, '../..')

/** The folder of Veza's processes as their sources stand now, compiled. Packages are found from there. */
export const buildProcesses = (progress: Progress): Promise<string> =>
  builtFolder({
    what: "Veza's processes",
    within: join(root, 'node_modules/.cache/veza'),
    sources: filesBelow([
      ...['contracts/src', 'kit/src', 'deploy'],
      ...['services', 'workers'].flatMap((group) =>
        readdirSync(join(root, group)).map((name) => `${group}/${name}/src`),
      ),
    ]),
    build: bundleProcesses,
    progress,
  })

const readiness = async (port: number): Promise<string | undefined> => {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) })
  const text = await response.text()
  return response.ok ? undefined : text
}

/**
 * How one process is run.
 * @param built what buildProcesses returned
 */
export const programOf = (
  process: VezaProcess,
  { built, stack, env }: { built: string; stack: StackView; env: NodeJS.ProcessEnv },
): Program => ({
  name: process.name,
  command: globalThis.process.execPath,
  args: [...nodeFlags, join(built, `${process.name}.js`)],
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
  readonly built: string
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
            o.started(process.name, await o.supervisor.start(programOf(process, o)))
          },
        ),
      ),
    )
  const outcomes = await Promise.allSettled(starts.values())
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
