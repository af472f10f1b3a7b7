/**
 * Puts a room's events in order. Kafka delivers at least once, chat fills gaps, the two overlap: whatever comes, in
 * whatever order and however often, leaves here dense, ascending and once.
 */
export interface Sequence<E> {
  /** Offset of the last event that left. */
  offset: number
  /** Events that came too early, by offset. */
  readonly waiting: Map<number, E>
}

/** Whether an event is still wanted: neither left nor waiting. Asked before it is encoded, which is dear. */
export const isWanted = (sequence: Sequence<unknown>, offset: number): boolean =>
  offset > sequence.offset && !sequence.waiting.has(offset)

/**
 * Takes a wanted event. Calls `leave` for each event that is next in line now: none, or it and those that waited for
 * it.
 *
 * @param maxWaiting beyond it an early event is forgotten: a fill brings it again
 */
export const take = <E, S extends Sequence<E>>(
  sequence: S,
  offset: number,
  event: E,
  maxWaiting: number,
  leave: (sequence: S, offset: number, event: E) => void,
): void => {
  if (offset !== sequence.offset + 1) {
    if (sequence.waiting.size < maxWaiting) sequence.waiting.set(offset, event)
    return
  }
  sequence.offset = offset
  leave(sequence, offset, event)
  while (sequence.waiting.size > 0) {
    const next = sequence.offset + 1
    const early = sequence.waiting.get(next)
    if (early === undefined) return
    sequence.waiting.delete(next)
    sequence.offset = next
    leave(sequence, next, early)
  }
}
