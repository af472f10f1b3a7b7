/**
 * What was sent, what was acknowledged and what arrived where, compared exactly. Numbers only: a message is its index,
 * a subscriber its room and its place among the room's subscribers.
 */

/** What is wrong, counted. All zero = every acknowledged message was delivered once to every subscriber, in one order. */
export interface Violations {
  /** Pairs of an acknowledged message and a subscriber that it never reached. */
  readonly lost: number
  /** Deliveries of what that subscriber had seen. */
  readonly duplicated: number
  /** Deliveries whose offset is not the subscriber's last one plus 1. */
  readonly outOfOrder: number
  /** Deliveries of a message at an offset at which another subscriber saw another message. */
  readonly disagreed: number
  /** Deliveries of messages that were never sent. */
  readonly foreign: number
  /** Messages that were given up unanswered and reached some subscribers of their room and not others. */
  readonly half: number
}

export interface LedgerTotals {
  readonly sent: number
  readonly acknowledged: number
  /** Answered with an error that is final. */
  readonly refused: number
  /** Given up unanswered: each happened or did not. */
  readonly abandoned: number
  readonly delivered: number
}

export interface Ledger {
  sent(message: number, room: number): void
  /** True the first time. */
  acknowledged(message: number): boolean
  refused(message: number): void
  abandoned(message: number): void
  /** Where the subscriber starts: the next delivery has `offset` + 1. Only its first subscription counts. */
  starts(room: number, member: number, offset: number): void
  /** True when it is in order and new. */
  delivered(room: number, member: number, offset: number, message: number): boolean
  /** The last offset of a subscriber: where it recovers from. */
  position(room: number, member: number): number
  /** Sent and neither acknowledged nor refused. */
  readonly unanswered: number
  /** Pairs of an acknowledged message and a subscriber that it has not reached yet. */
  readonly owed: number
  isAcknowledged(message: number): boolean
  /** Whether it has reached all subscribers of its room. */
  reachedAll(message: number): boolean
  /** The order that subscribers saw: message by offset. */
  order(room: number): ReadonlyMap<number, number>
  totals(): LedgerTotals
  violations(): Violations
}

const sentFlag = 1
const acknowledgedFlag = 2
const refusedFlag = 4
const abandonedFlag = 8

/**
 * @param capacity messages at most
 * @param members subscribers of each room
 */
export const createLedger = (capacity: number, members: readonly number[]): Ledger => {
  const width = Math.max(0, ...members)
  const flags = new Uint8Array(capacity)
  const roomOf = new Uint16Array(capacity)
  const arrivals = new Uint16Array(capacity)
  const seen = new Uint8Array(capacity * width)
  const positions = members.map((count) => new Float64Array(count).fill(-1))
  const orders = members.map(() => new Map<number, number>())
  let sent = 0
  let acknowledged = 0
  let refused = 0
  let abandoned = 0
  let delivered = 0
  let owed = 0
  let duplicated = 0
  let outOfOrder = 0
  let disagreed = 0
  let foreign = 0

  const flagged = (message: number, flag: number) => ((flags[message] ?? 0) & flag) !== 0
  const mark = (message: number, flag: number) => {
    flags[message] = (flags[message] ?? 0) | flag
  }
  const membersOf = (room: number) => members[room] ?? 0

  return {
    sent(message, room) {
      if (message >= capacity) throw new RangeError(`message ${message} is beyond the ledger's ${capacity}`)
      mark(message, sentFlag)
      roomOf[message] = room
      sent++
    },
    acknowledged(message) {
      if (!flagged(message, sentFlag) || flagged(message, acknowledgedFlag)) return false
      mark(message, acknowledgedFlag)
      acknowledged++
      owed += membersOf(roomOf[message] ?? 0) - (arrivals[message] ?? 0)
      return true
    },
    refused(message) {
      mark(message, refusedFlag)
      refused++
    },
    abandoned(message) {
      mark(message, abandonedFlag)
      abandoned++
    },
    starts(room, member, offset) {
      const places = positions[room]
      if (places?.[member] === -1) places[member] = offset
    },
    delivered(room, member, offset, message) {
      delivered++
      const places = positions[room]
      const last = places?.[member]
      if (places === undefined || last === undefined)
        throw new RangeError(`no subscriber ${member} in room ${room}`)
      const inOrder = offset === last + 1
      if (!inOrder) outOfOrder++
      if (offset > last) places[member] = offset
      if (!flagged(message, sentFlag) || roomOf[message] !== room) {
        foreign++
        return false
      }
      const order = orders[room]
      const other = order?.get(offset)
      if (other === undefined) order?.set(offset, message)
      else if (other !== message) disagreed++
      const cell = message * width + member
      if (seen[cell] === 1) {
        duplicated++
        return false
      }
      seen[cell] = 1
      arrivals[message] = (arrivals[message] ?? 0) + 1
      if (flagged(message, acknowledgedFlag)) owed--
      return inOrder
    },
    position: (room, member) => Math.max(0, positions[room]?.[member] ?? 0),
    get unanswered() {
      return sent - acknowledged - refused - abandoned
    },
    get owed() {
      return owed
    },
    isAcknowledged: (message) => flagged(message, acknowledgedFlag),
    reachedAll: (message) => (arrivals[message] ?? 0) === membersOf(roomOf[message] ?? 0),
    order: (room) => orders[room] ?? new Map<number, number>(),
    totals: () => ({ sent, acknowledged, refused, abandoned, delivered }),
    violations() {
      let half = 0
      for (let message = 0; message < capacity; message++) {
        const reached = arrivals[message] ?? 0
        if (flagged(message, abandonedFlag) && reached > 0 && reached !== membersOf(roomOf[message] ?? 0))
          half++
      }
      return { lost: owed, duplicated, outOfOrder, disagreed, foreign, half }
    },
  }
}
