import { type ReadPast } from './history.ts'
import { messageOf } from './names.ts'

/** Puts what is read from history before what came live meanwhile. */
export interface Inbox {
  /** A publication came. `now` is performance.now(). */
  take(offset: number, message: number, now: number): void
  /** The subscription was not continued where it stood: reads what is missing up to `upTo`, then goes on. */
  catchUp(upTo: number): Promise<void>
  /** The connection is lost: what is being read is of no use any more, and comes again. */
  reset(): void
}

/** Whom an inbox tells, and what it asks: a load client's events. */
interface InboxEvents {
  onDelivery(offset: number, message: number, now: number): void
  onTrouble(what: string): void
  /** The offset of the last delivery. */
  position(): number
}

interface Live {
  readonly offset: number
  readonly message: number
  readonly now: number
}

/** @param run prefix of the run's client message ids */
export const createInbox = (
  { run, readPast }: { readonly run: string; readonly readPast: ReadPast },
  events: InboxEvents,
): Inbox => {
  /** What came live while history is read; undefined = nothing is read. */
  let held: Live[] | undefined
  return {
    take(offset, message, now) {
      if (held === undefined) events.onDelivery(offset, message, now)
      else held.push({ offset, message, now })
    },

    async catchUp(upTo) {
      const live: Live[] = []
      held = live
      const isWanted = () => held === live
      try {
        const past = await readPast({ after: events.position(), upTo }, isWanted)
        if (!isWanted()) return
        const readAt = performance.now()
        for (const { offset, clientMessageId } of past)
          events.onDelivery(offset, messageOf(run, clientMessageId), readAt)
        held = undefined
        for (const { offset, message, now } of live) events.onDelivery(offset, message, now)
      } catch (error) {
        events.onTrouble(error instanceof Error ? error.message : String(error))
      }
    },

    reset() {
      held = undefined
    },
  }
}
