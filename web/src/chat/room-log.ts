import { type RoomEvent } from '../live/publications.ts'

/** A message as it stands now. */
export interface Message {
  readonly messageId: string
  readonly messageNumber: number
  readonly senderId: string
  readonly clientMessageId: string
  readonly body: string
  readonly postedAt: string
  readonly replyTo?: string | undefined
  readonly threadId?: string | undefined
  readonly mentions?: readonly string[] | undefined
  readonly trackId?: string | undefined
  /** Place in that track, milliseconds. */
  readonly trackPositionMs?: number | undefined
  readonly editedAt?: string | undefined
  readonly deletedAt?: string | undefined
  readonly replies?: number | undefined
  readonly reactions?: readonly Reaction[] | undefined
}

export interface Reaction {
  readonly reaction: string
  readonly count: number
  readonly mine: boolean
}

/** A page of history, the newest first. */
export interface HistoryPage {
  readonly epoch: string
  /** Where the room stood when it was read. */
  readonly offset: number
  readonly messages: readonly Message[]
  /** Cursor to what is older; null: there is nothing. */
  readonly next: string | null
  /** The same to what is newer. */
  readonly previous: string | null
}

/** How a page of history is asked for. */
export type Place = { readonly before: string } | { readonly around: string }

/** A message of one's own that the room has not shown yet. */
export interface Pending {
  readonly clientMessageId: string
  readonly body: string
  readonly replyTo?: string | undefined
  readonly mentions?: readonly string[] | undefined
  readonly trackId?: string | undefined
  readonly trackPositionMs?: number | undefined
  readonly writtenAt: string
  /** Why it was refused; undefined: it is on its way. */
  readonly refusedBy?: string | undefined
}

/** What is known of a room's conversation: a stretch without holes, and what is on its way to its end. */
export interface RoomLog {
  readonly epoch: string
  /** Of the last event that is in it. */
  readonly offset: number
  /** The oldest first. */
  readonly messages: readonly Message[]
  /** Where what is older is; null: the conversation begins here. */
  readonly earlier: Place | null
  /** Whether the newest message is in it. */
  readonly reachesEnd: boolean
  readonly pending: readonly Pending[]
}

/** So many messages are held at once: further ones push out those at the other end. */
export const windowSize = 400

const placeBefore = ({ next }: HistoryPage): Place | null => (next === null ? null : { before: next })

/** The newest messages of a stretch, no more than the window holds. */
const trimmed = (
  messages: readonly Message[],
  earlier: Place | null,
): Pick<RoomLog, 'messages' | 'earlier'> => {
  const kept = messages.slice(-windowSize)
  const [first] = kept
  // No page gave a cursor to where the stretch begins now.
  return kept.length < messages.length && first !== undefined
    ? { messages: kept, earlier: { around: first.messageId } }
    : { messages, earlier }
}

/** A page of the newest messages, or of those around one, as the beginning of a log. */
export const logFrom = (page: HistoryPage, reachesEnd: boolean, pending: readonly Pending[]): RoomLog => ({
  epoch: page.epoch,
  offset: page.offset,
  messages: page.messages.toReversed(),
  earlier: placeBefore(page),
  reachesEnd,
  pending: withoutArrived(pending, page.messages),
})

const withoutArrived = (pending: readonly Pending[], messages: readonly Message[]): readonly Pending[] => {
  if (pending.length === 0) return pending
  const arrived = new Set(messages.map(({ clientMessageId }) => clientMessageId))
  return pending.filter(({ clientMessageId }) => !arrived.has(clientMessageId))
}

/** With the page before it. What is too much falls off the end, which is then not the newest any more. */
export const withEarlier = (log: RoomLog, page: HistoryPage): RoomLog => {
  const first = log.messages[0]?.messageNumber ?? Number.POSITIVE_INFINITY
  const older = page.messages.toReversed().filter(({ messageNumber }) => messageNumber < first)
  const messages = [...older, ...log.messages]
  return {
    ...log,
    messages: messages.slice(0, windowSize),
    earlier: placeBefore(page),
    reachesEnd: log.reachesEnd && messages.length <= windowSize,
  }
}

/** With a page that goes beyond its end. What is too much falls off the beginning. */
export const withLater = (log: RoomLog, page: HistoryPage): RoomLog => {
  const last = log.messages.at(-1)?.messageNumber ?? 0
  const newer = page.messages.toReversed().filter(({ messageNumber }) => messageNumber > last)
  // What was posted after the page was read, and told before it came, is not in it.
  const reachesEnd = page.previous === null && page.offset >= log.offset
  return { ...log, ...trimmed([...log.messages, ...newer], log.earlier), reachesEnd }
}

const change = (log: RoomLog, messageId: string, to: (message: Message) => Message): readonly Message[] => {
  const at = log.messages.findIndex((message) => message.messageId === messageId)
  const found = log.messages[at]
  return found === undefined ? log.messages : log.messages.with(at, to(found))
}

const posted = (log: RoomLog, event: RoomEvent & { type: 'message.posted' }, readsBack: boolean): RoomLog => {
  const pending = log.pending.filter(({ clientMessageId }) => clientMessageId !== event.clientMessageId)
  const root = event.threadId
  const messages =
    root === undefined
      ? log.messages
      : change(log, root, (found) => ({ ...found, replies: (found.replies ?? 0) + 1 }))
  if (!log.reachesEnd) return { ...log, messages, pending }
  if (event.messageNumber <= (messages.at(-1)?.messageNumber ?? 0)) return { ...log, pending }
  if (readsBack && messages.length >= windowSize) return { ...log, messages, reachesEnd: false, pending }
  return { ...log, ...trimmed([...messages, event], log.earlier), pending }
}

const reacted = (
  message: Message,
  event: RoomEvent & { type: 'reaction.added' | 'reaction.removed' },
  me: string,
): Message => {
  const before = message.reactions ?? []
  const old = before.find(({ reaction }) => reaction === event.reaction)
  const mine = event.senderId === me ? event.type === 'reaction.added' : (old?.mine ?? false)
  const now = { reaction: event.reaction, count: event.count, mine }
  if (event.count === 0)
    return { ...message, reactions: before.filter(({ reaction }) => reaction !== event.reaction) }
  return {
    ...message,
    reactions: old === undefined ? [...before, now] : before.map((each) => (each === old ? now : each)),
  }
}

/**
 * The log after an event. One that is in it already changes nothing, so what comes twice, by a page and live, or after a
 * recovery, is there once.
 *
 * @param me whose page it is: it says which reactions are one's own
 * @param readsBack what is posted does not push out what one reads: the log ends before it
 */
export const evolve = (
  log: RoomLog,
  offset: number,
  event: RoomEvent,
  me: string,
  readsBack = false,
): RoomLog => {
  if (offset <= log.offset) return log
  const moved = { ...log, offset }
  switch (event.type) {
    case 'message.posted':
      return posted(moved, event, readsBack)
    case 'message.edited': {
      const { body, editedAt, mentions } = event
      return {
        ...moved,
        messages: change(log, event.messageId, (found) => ({ ...found, body, editedAt, mentions })),
      }
    }
    case 'message.deleted': {
      const { deletedAt } = event
      return {
        ...moved,
        messages: change(log, event.messageId, (found) => ({
          ...found,
          body: '',
          mentions: undefined,
          trackId: undefined,
          trackPositionMs: undefined,
          reactions: undefined,
          deletedAt,
        })),
      }
    }
    case 'reaction.added':
    case 'reaction.removed':
      return { ...moved, messages: change(log, event.messageId, (found) => reacted(found, event, me)) }
    default:
      // A later version of Veza may tell of what this page does not know; its number counts all the same.
      return moved
  }
}

export const withPending = (log: RoomLog, pending: Pending): RoomLog => ({
  ...log,
  pending: [...log.pending.filter((each) => each.clientMessageId !== pending.clientMessageId), pending],
})

export const withoutPending = (log: RoomLog, clientMessageId: string): RoomLog => ({
  ...log,
  pending: log.pending.filter((each) => each.clientMessageId !== clientMessageId),
})

/** What became of a message that was refused: it stays, with the reason. */
export const refused = (log: RoomLog, clientMessageId: string, code: string): RoomLog => ({
  ...log,
  pending: log.pending.map((each) =>
    each.clientMessageId === clientMessageId ? { ...each, refusedBy: code } : each,
  ),
})
