import { type Message, type RoomLog } from './room-log.ts'

/** Which messages of a log are in the document: by their numbers, both ends among them. */
export interface Drawn {
  readonly from: number
  /** Infinity: whatever comes is drawn too. */
  readonly to: number
}

export type Direction = 'earlier' | 'later'

/** So many more are drawn in a frame, so that none takes long and all keep up with a wheel that is turned fast. */
export const rowsAFrame = 12
const tailRows = 30

type Stretch = Pick<RoomLog, 'messages' | 'reachesEnd'>

/** Places of the first and the last that are drawn; behind one another when none is. */
const placesOf = ({ messages }: Stretch, { from, to }: Drawn): { first: number; last: number } => {
  const first = messages.findIndex(({ messageNumber }) => messageNumber >= from)
  const last = messages.findLastIndex(({ messageNumber }) => messageNumber <= to)
  return { first: first === -1 ? messages.length : first, last }
}

const numberAt = ({ messages }: Stretch, place: number): number => messages.at(place)?.messageNumber ?? 0

/** The newest, and whatever comes. */
export const tailOf = (log: Stretch): Drawn => ({
  from: numberAt(log, Math.max(0, log.messages.length - tailRows)),
  to: Infinity,
})

/** What is drawn of a log that was another one before: the same, or all of it if the two have nothing in common. */
export const drawnOf = (log: Stretch, before: Drawn | undefined): Drawn => {
  const end = numberAt(log, -1)
  const beyond = log.reachesEnd ? Infinity : end
  const { first, last } = before === undefined ? { first: 0, last: -1 } : placesOf(log, before)
  const isApart = before === undefined || first > last
  const from = isApart ? numberAt(log, 0) : before.from
  const to = isApart || before.to >= end ? beyond : before.to
  // The same one as long as nothing has changed: whoever draws asks each time.
  return from === before?.from && to === before.to ? before : { from, to }
}

/** How many messages of the log are not drawn in a direction. */
export const undrawn = (log: Stretch, drawn: Drawn, towards: Direction): number => {
  const { first, last } = placesOf(log, drawn)
  return towards === 'earlier' ? first : log.messages.length - 1 - last
}

/**
 * With some more in a direction, and as many less at the other end if `cuts`: nobody sees them.
 *
 * @param kept number of a message that is not to go: what has the keyboard is in it
 */
export const withMore = (
  log: Stretch,
  drawn: Drawn,
  towards: Direction,
  { cuts, kept }: { cuts: boolean; kept?: number | undefined },
): Drawn => {
  const { first, last } = placesOf(log, drawn)
  const cut = cuts ? rowsAFrame : 0
  if (towards === 'earlier') {
    const to = cut === 0 ? drawn.to : Math.max(numberAt(log, last - cut), kept ?? 0)
    return { from: numberAt(log, Math.max(0, first - rowsAFrame)), to }
  }
  const end = Math.min(log.messages.length - 1, last + rowsAFrame)
  const from = cut === 0 ? drawn.from : Math.min(numberAt(log, first + cut), kept ?? Infinity)
  return drawnOf(log, { from, to: numberAt(log, end) })
}

/** The messages that are drawn, and the one before them. */
export const messagesOf = (
  log: Stretch,
  drawn: Drawn,
): { readonly messages: readonly Message[]; readonly before: Message | undefined } => {
  const { first, last } = placesOf(log, drawn)
  return { messages: log.messages.slice(first, last + 1), before: log.messages[first - 1] }
}
