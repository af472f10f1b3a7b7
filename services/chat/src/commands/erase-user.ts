import { createHash } from 'node:crypto'
import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type OutgoingRecord } from '@veza/kit/kafka'
import { type ForgetfulStore } from '@veza/kit/personal-data'
import { type Contribution, type Erasure } from '../adapters/erasure.ts'
import { type Rooms } from '../adapters/rooms.ts'

/** Events of a room that are looked through at once. */
const stretch = 10_000

/** The same for the same contribution, however often the erasure is told. Nobody knows it before that is told. */
const commandIdOf = (causation: string, { eventId }: Contribution): string =>
  createHash('sha256').update(`${causation}/${eventId}`).digest('hex')

/**
 * Forgets a person: they leave their rooms, and what they wrote goes the way of every deletion, through chat-fanout, so that
 * whoever follows a room learns of it in the room's order. The data key of their addresses goes first. Can be repeated, also
 * after it was broken off.
 *
 * @param send resolves when the brokers have all of the records
 */
export const eraseUser =
  ({
    erasure,
    rooms,
    codec,
    send,
    now,
  }: {
    readonly erasure: Erasure
    readonly rooms: Pick<Rooms, 'forget'>
    readonly codec: Codec
    readonly send: (records: readonly OutgoingRecord[]) => Promise<void>
    readonly now: () => Date
  }): ForgetfulStore['erase'] =>
  async (userId, cause) => {
    const at = now()
    const commandOf = (contribution: Contribution): OutgoingRecord => {
      const { roomId, messageId, reaction } = contribution
      const clientMessageId = commandIdOf(cause.causation, contribution)
      const type = 'EraseContribution'
      return {
        topic: topics.chatCommands.name,
        key: roomId,
        value: codec.encode(topics.chatCommands, type, {
          ...{ roomId, senderId: userId, clientMessageId, messageId, reaction, sentAt: at.getTime() },
        }),
        headers: toHeaders({ id: clientMessageId, type, source: `/${cause.actor}`, time: at }),
      }
    }
    for (const roomId of await erasure.begin(userId, at)) {
      const last = await rooms.forget(roomId, { actorId: userId, at, metadata: cause })
      for (let after = 0; after < last; after += stretch) {
        const until = Math.min(last, after + stretch)
        await send((await erasure.contributions(roomId, userId, after, until)).map(commandOf))
      }
    }
    await erasure.finish(userId)
  }
