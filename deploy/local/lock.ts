import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

interface Holder {
  readonly pid: number
  /** When that process started, in the kernel's own words, so that a reused pid is not taken for it. */
  readonly startedAt?: string | undefined
  /** Lives on after a holder that was killed, until the last of its children is gone. */
  readonly watchdogPid?: number | undefined
}

/** State and start time of a process from Linux's /proc; undefined elsewhere. */
const procStat = (pid: number): { state: string | undefined; startedAt: string | undefined } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in brackets, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], startedAt: fields[19] }
  } catch {
    return undefined
  }
}

/** True while the process runs; one that ended but was not waited for yet does not. */
export const isAlive = (pid: number, startedAt?: string): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const stat = procStat(pid)
  return (
    stat === undefined || (stat.state !== 'Z' && (startedAt === undefined || stat.startedAt === startedAt))
  )
}

const read = (file: string): Holder | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** Removes a stale lock, unless somebody else removed it meanwhile and holds the new one. */
const takeAway = (file: string, stale: Holder | undefined) => {
  const aside = `${file}.${process.pid}.stale`
  try {
    renameSync(file, aside)
    if (read(aside)?.pid !== stale?.pid) linkSync(aside, file)
  } catch {
    // Gone, or taken again: the next attempt sees which.
  }
  rmSync(aside, { force: true })
}

export interface Lock {
  /** Names the process that outlives this one until its children are gone; the next holder waits for it. */
  guardedBy(watchdogPid: number | undefined): void
  release(): void
}

/** Somebody else holds the lock. */
export class LockHeld extends Error {
  readonly pid: number

  constructor(pid: number) {
    super(`process ${pid} holds the lock`)
    this.pid = pid
  }
}

/**
 * Takes a lock file. One that a crashed holder left is taken over, after its children have ended.
 * @throws LockHeld
 */
export const takeLock = async (file: string, onWait: () => void = () => undefined): Promise<Lock> => {
  mkdirSync(dirname(file), { recursive: true })
  const own: Holder = { pid: process.pid, startedAt: procStat(process.pid)?.startedAt }
  const draft = `${file}.${process.pid}`
  for (;;) {
    writeFileSync(draft, JSON.stringify(own))
    try {
      // A link appears with its content or not at all.
      linkSync(draft, file)
      rmSync(draft)
      break
    } catch (error) {
      rmSync(draft)
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = read(file)
    if (holder !== undefined && isAlive(holder.pid, holder.startedAt)) throw new LockHeld(holder.pid)
    if (holder?.watchdogPid !== undefined && isAlive(holder.watchdogPid)) {
      onWait()
      // It gives each child ten seconds at most.
      const deadline = Date.now() + 60_000
      while (isAlive(holder.watchdogPid) && Date.now() < deadline) await delay(100)
    }
    takeAway(file, holder)
  }
  return {
    guardedBy(watchdogPid) {
      writeFileSync(draft, JSON.stringify({ ...own, watchdogPid }))
      renameSync(draft, file)
    },
    release() {
      if (read(file)?.pid === process.pid) rmSync(file, { force: true })
    },
  }
}
