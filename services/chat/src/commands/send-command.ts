import { randomUUID } from 'node:crypto'
import { type ChatCommand, type Codec, commandRecord, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { outcomeIdOf } from '../domain/outcome-id.ts'

export interface SendCommandInput {
  readonly roomId: string
  readonly senderId: string
  readonly command: ChatCommand
  readonly traceparent: string | undefined
}

/**
 * Puts the command on chat.commands.v1 and resolves when the broker has acknowledged it: from then on it has exactly
 * one outcome, under the id given here (a post's message id). Throws Rejection, rejects ProduceFailed or QueueFull.
 */
export const sendCommand =
  (deps: {
    /** Rejects Rejection unless the sender is in the room. */
    memberships: { member(roomId: string, userId: string): Promise<void> }
    codec: Codec
    producer: Producer
    now: () => Date
  }) =>
  async ({ roomId, senderId, command, traceparent }: SendCommandInput): Promise<string> => {
    await deps.memberships.member(roomId, senderId)
    const sentAt = deps.now()
    const { type, value } = commandRecord(command, { roomId, senderId, sentAt: sentAt.getTime() })
    await deps.producer.send({
      topic: topics.chatCommands.name,
      key: roomId,
      value: deps.codec.encode(topics.chatCommands, type, value),
      headers: toHeaders({ id: randomUUID(), type, source: '/chat', time: sentAt, traceparent }),
    })
    return outcomeIdOf(roomId, senderId, command.clientMessageId)
  }
