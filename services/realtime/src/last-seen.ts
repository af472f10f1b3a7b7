/** When somebody was last connected, epoch milliseconds. */
export interface Seen {
  readonly userId: string
  readonly at: number
}

export interface LastSeenOptions {
  /** Rejects when it is not stored. */
  readonly write: (seen: readonly Seen[]) => Promise<void>
  /** Who is connected here. */
  readonly connected: () => Iterable<string>
  /** Between two writes of those who stay connected: what the end of this process without a word can cost. */
  readonly intervalMs: number
  readonly report: (error: unknown) => void
  readonly now: () => number
}

/** Notes in the store when people were last connected here, many in one write and none a heartbeat. */
export interface LastSeenWriter {
  /** A user's last connection here has ended. */
  left(userId: string): void
  /** Writes what is due. Call it every second or so. */
  tick(): void
  /** Writes all that is left, and who is still connected; what can't be written now is lost. */
  close(): Promise<void>
}

const maxAtOnce = 500
/** Beyond it, with the store away for long, those are forgotten who left first. */
const maxPending = 100_000

export const createLastSeenWriter = (options: LastSeenOptions): LastSeenWriter => {
  const { write, connected, intervalMs, report, now } = options
  /** Not written yet: epoch milliseconds by user, the earliest first. */
  const pending = new Map<string, number>()
  let allDueAt = now() + intervalMs
  let writing: Promise<boolean> | undefined

  const note = (userId: string, at: number): void => {
    pending.delete(userId)
    pending.set(userId, at)
    if (pending.size <= maxPending) return
    const [earliest] = pending.keys()
    if (earliest !== undefined) pending.delete(earliest)
  }
  const noteAll = (): void => {
    const at = now()
    for (const userId of connected()) note(userId, at)
    allDueAt = at + intervalMs
  }
  /** @returns whether it worked */
  const writeSome = async (): Promise<boolean> => {
    const seen = [...pending].slice(0, maxAtOnce).map(([userId, at]) => ({ userId, at }))
    try {
      await write(seen)
    } catch (error) {
      report(error)
      return false
    }
    for (const { userId, at } of seen) if (pending.get(userId) === at) pending.delete(userId)
    return true
  }

  return {
    left(userId) {
      note(userId, now())
    },
    tick() {
      if (now() >= allDueAt) noteAll()
      if (pending.size > 0)
        writing ??= writeSome().finally(() => {
          writing = undefined
        })
    },
    async close() {
      await writing
      noteAll()
      while (pending.size > 0 && (await writeSome()));
    },
  }
}
