import { outcomeIdOf, type RoomLog } from '@veza/chat/store'
import { type Codec, type topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { type DeadRecord } from '@veza/kit/worker'
import { toCommand } from './command.ts'
import { outcomeRecord, refusalRecord } from './records.ts'

/**
 * A command that goes to the dead-letter topic gets `internal` as its one outcome, stored before it is told, so that
 * whoever puts the command back on its topic can't have it posted after its sender was told that it failed. One that
 * has an outcome, because telling it was what failed, keeps it. Bytes that are no command have no sender, and a command
 * of no room has no place in the store.
 */
export const tellSender =
  (deps: { log: RoomLog; codec: Codec; producer: Producer; now?: () => Date }) =>
  async ({ message }: DeadRecord<typeof topics.chatCommands>): Promise<void> => {
    if (message === undefined) return
    const command = toCommand(message)
    // Nobody waits for it, and put back on its topic it has to take effect.
    if (command?.isErasure === true) return
    const outcomes =
      command === undefined ? [] : await deps.log.settle([{ ...command, content: { code: 'internal' } }])
    const [outcome] = outcomes
    if (outcome !== undefined) {
      await deps.producer.send(outcomeRecord(deps.codec, outcome, message.traceparent))
      return
    }
    const { roomId, senderId, clientMessageId } = message.value
    const refusedAt = (deps.now?.() ?? new Date()).getTime()
    await deps.producer.send(
      refusalRecord(
        deps.codec,
        outcomeIdOf(roomId, senderId, clientMessageId),
        { userId: senderId, roomId, clientMessageId, code: 'internal', refusedAt },
        message.traceparent,
      ),
    )
  }
