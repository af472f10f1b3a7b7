import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { rebuildCounts, roomIds } from './adapters/rebuild-counts.ts'
import { type ChatDatabase } from './adapters/schema.ts'

/** What operators do to chat. */
export interface ChatOperations {
  /** Makes right what is counted of a room, or of all, one after the other, while they are in use. */
  rebuildCounts(
    roomId: string | undefined,
    progress: (done: { readonly rooms: number; readonly wrong: number }) => void,
  ): Promise<{ readonly rooms: number; readonly wrong: number }>
  close(): Promise<void>
}

const lowest = '00000000-0000-0000-0000-000000000000'
const atOnce = 1_000

export const openChatOperations = (databaseUrl: string, log: Logger): ChatOperations => {
  const { db, close } = openDatabase<ChatDatabase>(databaseUrl, { applicationName: 'ops', poolSize: 1, log })
  return {
    async rebuildCounts(roomId, progress) {
      const total = { rooms: 0, wrong: 0 }
      let page = roomId === undefined ? await roomIds(db, lowest, atOnce) : [roomId]
      while (page.length > 0) {
        for (const id of page) {
          total.wrong += await rebuildCounts(db, id)
          total.rooms += 1
        }
        progress(total)
        page = page.length < atOnce ? [] : await roomIds(db, page.at(-1) ?? lowest, atOnce)
      }
      return total
    },
    close,
  }
}
