import { type Happening, noticeRecord, type Notices } from '@veza/chat/store'
import { type Codec } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { done, type HandleChunk, skip } from '@veza/kit/worker'
import { type SourceTopic, toHappening } from './happening.ts'

const nobody = skip('nobody in particular is told of it')

/** Whether it may concern somebody: most messages are in rooms of many and mention nobody. */
const concerns = (happening: Happening, direct: ReadonlySet<string>): boolean =>
  happening.type !== 'posted' || happening.mentions.length > 0 || direct.has(happening.roomId)

/**
 * A chunk of what happened: one transaction that writes what users are told of it, then that to its topic, and only then
 * `done`. What is written keeps its numbers and is told again, in the same bytes, when the chunk comes again.
 */
export const notify =
  (deps: { notices: Notices; codec: Codec; producer: Producer }): HandleChunk<SourceTopic> =>
  async (messages) => {
    const read = messages.map(toHappening)
    const posted = read.flatMap((happening) =>
      happening?.type === 'posted' && happening.mentions.length === 0 ? happening.roomId : [],
    )
    const direct = await deps.notices.directRooms([...new Set(posted)])
    const concerning = read
      .filter((happening) => happening !== undefined)
      .filter((happening) => concerns(happening, direct))
    const told = concerning.length === 0 ? [] : await deps.notices.tell(concerning)
    await deps.producer.sendAll(told.map((notice) => noticeRecord(deps.codec, '/notifications', notice)))
    const wanted = new Set<Happening | undefined>(concerning)
    return read.map((happening) => (wanted.has(happening) ? done : nobody))
  }
