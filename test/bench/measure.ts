import { type Veza } from '@veza/deploy/launcher'
import { printProcesses } from './http-load.ts'
import { say } from './output.ts'
import { machineBusySeconds, watchProcesses } from './processes.ts'
import { watchServer } from './server-side.ts'

/** The processes have just started: until V8 and the broker's JVM have compiled what is hot, both cores are full. */
export const warmupSeconds = 25

/** Watches all that runs, this process, and others that are named. */
export const watch = (veza: Veza, others: Readonly<Record<string, number>> = {}) =>
  watchProcesses([
    ...Object.entries(others).map(([name, pid]) => ({ name, pid: () => pid })),
    ...Object.entries(veza.processes).map(([name, child]) => ({ name, pid: () => child.pid })),
    ...Object.entries(veza.infrastructure).map(([name, child]) => ({
      ...{ name, pid: () => child.pid, withChildren: name === 'postgres' },
    })),
    { name: 'bench', pid: () => process.pid },
  ])

/** Watches processes, the HTTP edge's own figures, and what the machine does besides. */
export const measure = async (veza: Veza, helpers: Readonly<Record<string, number>>) => {
  const processes = watch(veza, helpers)
  const server = await watchServer(`http://127.0.0.1:${veza.stack.ports.http.internal}/metrics`)
  const [began, busy] = [performance.now(), machineBusySeconds()]
  return {
    async stop() {
      const [seconds, allBusy] = [(performance.now() - began) / 1000, machineBusySeconds() - busy]
      const usage = processes.stop()
      const ours = usage.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
      // The machine's time is counted in ticks, a process's is not: a tenth of a core more or less says nothing.
      const othersPercent = Math.max(0, Math.round((100 * (allBusy - ours)) / seconds))
      return { seconds, usage, othersPercent, server: await server.stop() }
    },
  }
}
type Measured = Awaited<ReturnType<Awaited<ReturnType<typeof measure>>['stop']>>

export const report = ({ seconds, usage, othersPercent, server }: Measured): void => {
  const { p99AtMost, loopP99, loopMax } = server
  say(
    `as http itself has it: p99 at most ${p99AtMost} ms; its event loop late by p99 ${loopP99}, max ${loopMax} ms`,
  )
  printProcesses(usage, seconds)
  say(`whatever else runs on this machine: ${othersPercent} % of a core`)
}
