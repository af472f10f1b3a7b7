import { type Position } from '../protocol/commands.ts'
import { type Publication } from '../protocol/replies.ts'
import { type Filler } from './fill.ts'
import { type Page, recover } from './recover.ts'
import { type Room } from './room.ts'
import { type RoomSource } from './source.ts'

export interface ResumeOptions {
  readonly filler: Pick<Filler, 'catchUp'>
  readonly source: Pick<RoomSource, 'events'>
  /** Publications at most. */
  readonly limit: number
}

const maxAttempts = 4

/**
 * Finds what a client missed since a position, and calls `commit` in the tick in which it is exact: the room goes on
 * as soon as that returns.
 *
 * Rejects when chat can't be asked, or the room is faster than its history can be read: the client may try again.
 *
 * @param commit is given the missed publications, or undefined when the position can't be recovered from
 */
export const resume = async (
  { filler, source, limit }: ResumeOptions,
  room: Room,
  since: Position,
  commit: (publications: readonly Publication[] | undefined) => void,
): Promise<void> => {
  let page: Page | undefined
  let caughtUp = false
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const recovery = recover(room, since, limit, page)
    if (typeof recovery === 'object') {
      commit(recovery.publications)
      return
    }
    // The client is ahead even of what chat has stored: this is not the stream that it knew.
    if (recovery === 'unrecoverable' || (recovery === 'behind' && caughtUp)) {
      commit(undefined)
      return
    }
    if (recovery === 'behind') {
      await filler.catchUp(room)
      caughtUp = true
    } else {
      page = await readPage(source, room, since.offset, limit)
    }
  }
  throw new Error('the room moves on faster than its history can be read')
}

const readPage = async (
  source: ResumeOptions['source'],
  room: Room,
  after: number,
  limit: number,
): Promise<Page> => {
  const stored = await source.events(room.id, after, limit)
  if (stored === undefined) throw new Error('the room is gone')
  return {
    epoch: stored.epoch,
    after,
    data: stored.events.map(({ data }) => JSON.stringify(data)),
  }
}
