import { channels } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { setTimeout as delay } from 'node:timers/promises'
import { type Disconnect, disconnects } from './protocol/codes.ts'
import { type Position } from './protocol/commands.ts'
import { type Json, type Publication, type Publish, type SubscribeResult } from './protocol/replies.ts'

/** Something that a user is told, at its place in their log. */
export interface UserEvent {
  readonly offset: number
  readonly data: Json
  readonly roomId: string
  /** The place in the room of what brought it about, which is to be shown first; null: it has none. */
  readonly roomOffset: number | null
}

/** Where a user's log stands in chat's store, and what is in it after the position that was asked for. */
export interface StoredUserLog {
  readonly userId: string
  readonly epoch: string
  readonly offset: number
  /** All of it, ascending; or nothing, when that was too much. */
  readonly events: readonly UserEvent[]
}

/** Where the logs are stored. */
export interface UserLogSource {
  /** In the order of the positions. Rejects when chat can't be asked. */
  userLogs(
    positions: readonly { readonly userId: string; readonly after: number | null }[],
  ): Promise<readonly StoredUserLog[]>
}

export interface UserLogsOptions {
  readonly source: UserLogSource
  /** The rooms here: brings one up to an offset, if somebody follows it and it is not there yet. */
  readonly lead: (roomId: string, offset: number) => Promise<void> | undefined
  readonly publish: Publish
  /** Closes the user's connections. */
  readonly disconnect: (userId: string, how: Disconnect) => void
  readonly log: Logger
}

/**
 * The logs of the users who are connected here: what they are told, in order and without gaps. What Kafka does not bring
 * is asked of chat.
 */
export interface UserLogs {
  /**
   * Finds what a connecting client missed, and calls `commit` in the tick in which it is exact: what the user is told
   * next is published behind it. Rejects when chat can't be asked. Every call is paired with one of `leave`.
   */
  enter(
    userId: string,
    since: Position | undefined,
    commit: (subscription: SubscribeResult) => void,
  ): Promise<void>
  leave(userId: string): void
  has(userId: string): boolean
  /** Takes in what Kafka brought: it is published at its place, or once what is missing before it has come. */
  offer(userId: string, epoch: string, event: UserEvent): void
  /** The logs may lack events: chat is to be asked. */
  doubt(): void
  close(): void
}

interface Entering {
  readonly since: Position | undefined
  readonly commit: (subscription: SubscribeResult) => void
  readonly done: () => void
  readonly fail: (error: unknown) => void
}

interface Offered {
  readonly epoch: string
  readonly event: UserEvent
}

interface Log {
  readonly userId: string
  /** undefined until chat has said where it stands. */
  epoch: string | undefined
  offset: number
  connections: number
  /** Chat is being asked: events wait. */
  asked: boolean
  /** A room is being brought up to what is next: events wait. */
  leading: boolean
  /** By offset; made when it is needed, since most logs never need it. */
  waiting: Map<number, Offered> | undefined
  /** A gap is being waited for. */
  gap: NodeJS.Timeout | undefined
  entering: Entering[]
}

/** Logs of one question: chat refuses more. */
export const maxAsked = 200
/** What a client is recovered with at most, as in rooms. Chat answers for somewhat more. */
const recoveryLimit = 300
const retryMs = 1000
/** Two producers write to a log, so what comes next may be a moment behind. */
const gapGraceMs = 50
const maxWaiting = 1000

/** What follows `after` without a gap up to `offset`; undefined when some of it is missing. */
const after = (log: StoredUserLog, from: number): UserEvent[] | undefined => {
  const events = log.events.filter((event) => event.offset > from)
  return events.length === log.offset - from ? events : undefined
}

const subscriptionOf = (stored: StoredUserLog, since: Position | undefined): SubscribeResult => {
  const { epoch, offset } = stored
  const isOfThisLog = since !== undefined && (since.epoch === '' || since.epoch === epoch)
  const isNear = isOfThisLog && since.offset <= offset && offset - since.offset <= recoveryLimit
  const missed = isNear ? after(stored, since.offset) : undefined
  const publications = missed?.map((event): Publication => ({ offset: event.offset, data: event.data }))
  return {
    position: { epoch, offset: publications === undefined ? offset : (since?.offset ?? offset) },
    wasRecovering: since !== undefined,
    recovered: publications !== undefined,
    publications: publications ?? [],
  }
}

/** @returns nobody's log yet */
export const createUserLogs = ({ source, lead, publish, disconnect, log }: UserLogsOptions): UserLogs => {
  const logs = new Map<string, Log>()
  const doubtful = new Set<Log>()
  const stopping = new AbortController()
  let asking = false

  const isCurrent = (user: Log): boolean => logs.get(user.userId) === user

  const send = (user: Log, event: UserEvent): void => {
    const channel = channels.user(user.userId)
    publish(channel, [
      { type: 'published', channel, publication: { offset: event.offset, data: event.data } },
    ])
    user.offset = event.offset
  }

  /** Publishes what follows, up to a gap or to what a room has to be brought up to first. */
  const drain = (user: Log): void => {
    const { waiting } = user
    if (user.asked || user.leading || waiting === undefined || !isCurrent(user)) return
    for (let next = waiting.get(user.offset + 1); next !== undefined; next = waiting.get(user.offset + 1)) {
      const { event } = next
      const leading = event.roomOffset === null ? undefined : lead(event.roomId, event.roomOffset)
      if (leading !== undefined) {
        waitFor(leading, user, next)
        return
      }
      waiting.delete(event.offset)
      send(user, event)
    }
    for (const offset of waiting.keys()) if (offset <= user.offset) waiting.delete(offset)
    if (waiting.size === 0) user.waiting = undefined
    else
      user.gap ??= setTimeout(() => {
        user.gap = undefined
        if (isCurrent(user) && !user.asked && !user.leading && user.waiting !== undefined) ask(user)
      }, gapGraceMs).unref()
  }

  const waitFor = (leading: Promise<void>, user: Log, next: Offered): void => {
    const { epoch, event } = next
    user.leading = true
    void leading
      .catch((error: unknown) => {
        // It is told all the same: what it is about is stored, and comes when chat can be reached again.
        log.warn({ err: error, roomId: event.roomId }, 'a room is behind what its members are told')
      })
      .then(() => {
        user.leading = false
        // Unless chat brought it meanwhile.
        if (user.waiting?.get(event.offset) === next)
          user.waiting.set(event.offset, { epoch, event: { ...event, roomOffset: null } })
        drain(user)
      })
  }

  /** What those who are connected already lack. */
  const catchUp = (user: Log, stored: StoredUserLog): void => {
    const missing = user.epoch === stored.epoch ? after(stored, user.offset) : undefined
    if (missing !== undefined) for (const event of missing) send(user, event)
    else disconnect(user.userId, disconnects.insufficientState)
  }

  const apply = (
    user: Log,
    stored: StoredUserLog,
    { entering, waited }: { entering: readonly Entering[]; waited: readonly number[] },
  ): void => {
    user.asked = false
    if (!isCurrent(user)) {
      for (const { done } of entering) done()
      return
    }
    const isStarted = user.epoch !== undefined
    if (isStarted && (user.epoch !== stored.epoch || user.offset < stored.offset)) catchUp(user, stored)
    user.epoch = stored.epoch
    user.offset = stored.offset
    // Stored before it is produced: what waited then and is not there now is none of this log's.
    for (const offset of waited) user.waiting?.delete(offset)
    for (const [offset, { epoch }] of user.waiting ?? [])
      if (epoch !== stored.epoch) user.waiting?.delete(offset)
    for (const { since, commit, done, fail } of entering) {
      try {
        commit(subscriptionOf(stored, since))
        done()
      } catch (error) {
        fail(error)
      }
    }
    drain(user)
  }

  const positionOf = ({ userId, epoch, offset, entering }: Log) => {
    const asked = entering.flatMap(({ since }) => {
      if (since === undefined) return []
      // What can't be recovered anyway would have chat answer nothing to those who are connected already.
      const isNear = since.epoch === epoch && since.offset >= offset - recoveryLimit
      return epoch === undefined || isNear ? [since.offset] : []
    })
    const known = epoch === undefined ? asked : [offset, ...asked]
    return { userId, after: known.length === 0 ? null : Math.min(...known) }
  }

  const settle = async (
    batch: readonly { user: Log; entering: readonly Entering[]; waited: readonly number[] }[],
  ): Promise<void> => {
    const stored = await source.userLogs(batch.map(({ user }) => positionOf(user)))
    const leading = stored.flatMap(({ events }) =>
      events.flatMap(({ roomId, roomOffset }) =>
        roomOffset === null ? [] : (lead(roomId, roomOffset) ?? []),
      ),
    )
    await Promise.allSettled(leading)
    for (const [index, { user, entering, waited }] of batch.entries()) {
      const answer = stored[index]
      if (answer?.userId !== user.userId) throw new Error('chat answered for other users than were asked')
      user.entering = user.entering.filter((one) => !entering.includes(one))
      apply(user, answer, { entering, waited })
      if (user.entering.length > 0) ask(user)
    }
  }

  const run = async (): Promise<void> => {
    while (doubtful.size > 0 && !stopping.signal.aborted) {
      const users = [...doubtful].slice(0, maxAsked)
      for (const user of users) {
        doubtful.delete(user)
        user.asked = true
      }
      const batch = users.map((user) => ({
        user,
        entering: user.entering,
        waited: [...(user.waiting?.keys() ?? [])],
      }))
      try {
        await settle(batch)
      } catch (error) {
        log.warn({ err: error, users: batch.length }, 'could not ask what users are told')
        for (const { user, entering } of batch) {
          for (const { fail } of entering) fail(error)
          user.entering = user.entering.filter((one) => !entering.includes(one))
          user.asked = false
          drain(user)
          if (isCurrent(user) && (user.epoch !== undefined || user.entering.length > 0)) doubtful.add(user)
        }
        await delay(retryMs, undefined, { signal: stopping.signal, ref: false })
      }
    }
  }

  const ask = (user: Log): void => {
    doubtful.add(user)
    if (asking) return
    asking = true
    // What else is asked for in this tick goes with it.
    queueMicrotask(() => {
      run()
        // Only the wait between two attempts rejects, when this closes.
        .catch(() => undefined)
        .finally(() => {
          asking = false
          const [next] = doubtful
          if (next !== undefined && !stopping.signal.aborted) ask(next)
        })
    })
  }

  return {
    enter(userId, since, commit) {
      let user = logs.get(userId)
      if (user === undefined) {
        user = {
          userId,
          epoch: undefined,
          offset: 0,
          connections: 0,
          asked: false,
          leading: false,
          waiting: undefined,
          gap: undefined,
          entering: [],
        }
        logs.set(userId, user)
      }
      const entered = user
      entered.connections += 1
      return new Promise((done, fail) => {
        entered.entering = [...entered.entering, { since, commit, done, fail }]
        ask(entered)
      })
    },

    leave(userId) {
      const user = logs.get(userId)
      if (user === undefined) return
      user.connections -= 1
      if (user.connections > 0) return
      logs.delete(userId)
      doubtful.delete(user)
      clearTimeout(user.gap)
      for (const { done } of user.entering) done()
    },

    has: (userId) => logs.has(userId),

    offer(userId, epoch, event) {
      const user = logs.get(userId)
      if (user === undefined) return
      const isStarted = user.epoch !== undefined
      if (isStarted && user.epoch !== epoch) {
        // The log was replaced, or this is of the one before: chat knows.
        ask(user)
        return
      }
      if (isStarted && event.offset <= user.offset) return
      const waiting = (user.waiting ??= new Map<number, Offered>())
      if (waiting.size < maxWaiting) waiting.set(event.offset, { epoch, event })
      if (isStarted) drain(user)
    },

    doubt() {
      for (const user of logs.values()) ask(user)
    },

    close() {
      stopping.abort()
    },
  }
}
