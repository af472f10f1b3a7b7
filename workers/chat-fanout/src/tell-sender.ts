import { messageIdOf } from '@veza/chat/store'
import { type Codec, type topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { type DeadRecord } from '@veza/kit/worker'
import { refusalRecord } from './records.ts'

/**
 * A command that goes to the dead-letter topic has no stored outcome; its sender is told `internal` and stops waiting.
 * Bytes that are no command have no sender.
 */
export const tellSender =
  (deps: { codec: Codec; producer: Producer; now?: () => Date }) =>
  async ({ message }: DeadRecord<typeof topics.chatCommands>): Promise<void> => {
    if (message === undefined) return
    const { roomId, senderId, clientMessageId } = message.value
    const refusedAt = (deps.now?.() ?? new Date()).getTime()
    await deps.producer.send(
      refusalRecord(
        deps.codec,
        messageIdOf(roomId, senderId, clientMessageId),
        { userId: senderId, roomId, clientMessageId, code: 'internal', refusedAt },
        message.traceparent,
      ),
    )
  }
