import { readFileSync } from 'node:fs'

/** What a process took, as Linux counts it. */
export interface ProcessUsage {
  readonly name: string
  /** User and system time since the measuring began. */
  readonly cpuSeconds: number
  /** Peak resident memory since the process started, MiB. Of PostgreSQL's processes that includes the shared buffers each touched. */
  readonly peakRssMiB: number
}

/** A process to be watched. It may be restarted meanwhile, so its pid is asked for each time. */
export interface Watched {
  readonly name: string
  readonly pid: () => number | undefined
  /** Its children are watched as well, each under the title it gives itself. */
  readonly withChildren?: boolean
}

// USER_HZ, which /proc counts in, is 100 on every platform that Node runs on.
const ticksPerSecond = 100

interface Sample {
  readonly cpuTicks: number
  readonly peakRssKiB: number
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

const sampleOf = (pid: number): Sample | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  const status = read(`/proc/${pid}/status`)
  if (stat === undefined || status === undefined) return undefined
  // The second field is the command in brackets, which may hold spaces; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    peakRssKiB: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0),
  }
}

const childrenOf = (pid: number): number[] =>
  (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)

/** The title without what tells two backends of one role apart, and without what it does at the moment. */
const titleOf = (pid: number, fallback: string): string => {
  const title = (read(`/proc/${pid}/cmdline`) ?? '').split('\0')[0]?.trim() ?? ''
  return title === '' ? fallback : title.replace(/\(\d+\).*$/, '').replace(/ 127\.0\.0\.1$/, '')
}

/** Processor time that a process has taken, and those that it started and that have ended, seconds. */
export const cpuWithReaped = (pid: number): number => {
  const stat = read(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / ticksPerSecond
}

/** Resident memory of a process, MiB; 0 when it has ended. */
export const residentMiB = (pid: number): number =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) / 1024)

/** Processor time that the whole machine has been busy, seconds. */
export const machineBusySeconds = (): number => {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] =
    (read('/proc/stat') ?? '').split('\n')[0]?.split(/\s+/).slice(1).map(Number) ?? []
  return (user + nice + system + irq + softIrq + steal) / ticksPerSecond
}

/** Watches processes from now on, looking once a second. */
export const watchProcesses = (watched: readonly Watched[]) => {
  const known = new Map<number, { name: string; startTicks: number; last: Sample }>()

  const look = (isFirst: boolean) => {
    const see = (pid: number, nameOf: () => string) => {
      const last = sampleOf(pid)
      if (last === undefined) return
      const before = known.get(pid)
      if (before === undefined)
        known.set(pid, { name: nameOf(), startTicks: isFirst ? last.cpuTicks : 0, last })
      else before.last = last
    }
    for (const { name, pid: pidOf, withChildren = false } of watched) {
      const pid = pidOf()
      if (pid === undefined) continue
      see(pid, () => name)
      if (withChildren) for (const child of childrenOf(pid)) see(child, () => titleOf(child, name))
    }
  }
  look(true)
  const timer = setInterval(() => {
    look(false)
  }, 1000)
  timer.unref()

  return {
    /** Looks a last time. One row a process; a restarted one has one for each of its lives. */
    stop(): ProcessUsage[] {
      clearInterval(timer)
      look(false)
      return [...known.values()].map(({ name, startTicks, last }) => ({
        name,
        cpuSeconds: (last.cpuTicks - startTicks) / ticksPerSecond,
        peakRssMiB: Math.round(last.peakRssKiB / 1024),
      }))
    },
  }
}
