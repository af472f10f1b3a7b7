import { randomUUID } from 'node:crypto'
import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { type Rooms } from '../adapters/rooms.ts'
import { messageIdOf } from '../domain/message-id.ts'
import { Rejection } from '../domain/rejection.ts'
import { visibleTo } from '../domain/room.ts'

export interface PostMessageInput {
  readonly roomId: string
  readonly senderId: string
  /** Both checked by `checkPost` of contracts. */
  readonly clientMessageId: string
  readonly body: string
  readonly traceparent: string | undefined
}

/**
 * Puts the command on chat.commands.v1 and resolves when the broker has acknowledged it: from then on it has exactly
 * one outcome, under the message id given here. Throws Rejection, rejects ProduceFailed or QueueFull.
 */
export const postMessage =
  (deps: { rooms: Rooms; codec: Codec; producer: Producer; now: () => Date }) =>
  async ({ roomId, senderId, clientMessageId, body, traceparent }: PostMessageInput): Promise<string> => {
    const stored = await deps.rooms.find(roomId, senderId, senderId)
    const room = visibleTo(stored, stored?.actorRole ?? null)
    if (room.actorRole === null) throw new Rejection('not-a-member')
    const sentAt = deps.now()
    await deps.producer.send({
      topic: topics.chatCommands.name,
      key: roomId,
      value: deps.codec.encode(topics.chatCommands, 'PostMessage', {
        roomId,
        senderId,
        clientMessageId,
        body,
        sentAt: sentAt.getTime(),
      }),
      headers: toHeaders({
        id: randomUUID(),
        type: 'PostMessage',
        source: '/chat',
        time: sentAt,
        traceparent,
      }),
    })
    return messageIdOf(roomId, senderId, clientMessageId)
  }
