import { type Position } from '../protocol/commands.ts'
import { type Json, type Publication } from '../protocol/replies.ts'
import { readRing } from './ring.ts'
import { type Room } from './room.ts'

/** A dense stretch of a room's events from chat's store; `data[0]` has the offset `after + 1`. */
export interface Page {
  readonly epoch: string
  readonly after: number
  readonly data: readonly Json[]
}

/**
 * - `publications`: everything after the position, up to where the room stands now;
 * - `unrecoverable`: the position is of another stream, ahead of it, or too far back;
 * - `behind`: this edge has to catch up with the client first;
 * - `missing`: a page of chat's store from the position on is needed.
 */
export type Recovery =
  { readonly publications: readonly Publication[] } | 'unrecoverable' | 'behind' | 'missing'

const numbered = (after: number, data: readonly Json[]): { publications: Publication[] } => ({
  publications: data.map((item, index) => ({ offset: after + 1 + index, data: item })),
})

/**
 * What a client missed since its position, exactly, or nothing at all.
 *
 * @param limit publications at most
 * @param page what chat's store gave for this position, if it was asked already
 */
export const recover = (room: Room, since: Position, limit: number, page: Page | undefined): Recovery => {
  if (since.epoch !== '' && since.epoch !== room.epoch) return 'unrecoverable'
  if (since.offset > room.offset) return 'behind'
  const count = room.offset - since.offset
  if (count > limit) return 'unrecoverable'
  const remembered = readRing(room.ring, since.offset, room.offset)
  if (remembered !== undefined) return numbered(since.offset, remembered)
  if (page === undefined || page.epoch !== room.epoch || page.after !== since.offset) return 'missing'
  // The room may stand before the page's end, or have gone on since.
  const stored = page.data.slice(0, count)
  const rest = readRing(room.ring, since.offset + stored.length, room.offset)
  return rest === undefined ? 'missing' : numbered(since.offset, [...stored, ...rest])
}
