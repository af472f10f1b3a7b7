import { type ChatEvent, type CommandRefused } from '@veza/contracts'
import { type MessageEvent, type Refused } from '../domain/event.ts'

/** Domain event to contract record. An event read back from the store gives the same record, field by field. */
export const chatEvent = (event: MessageEvent): ChatEvent => {
  const { roomId, epoch, offset, eventId, senderId, clientMessageId } = event
  const placed = { roomId, epoch, offset, senderId, clientMessageId }
  const at = event.at.getTime()
  switch (event.type) {
    case 'posted': {
      const { messageNumber, body, replyTo, threadId, mentions, trackId } = event
      return {
        type: 'MessagePosted',
        value: {
          ...placed,
          messageId: eventId,
          body,
          postedAt: at,
          messageNumber,
          replyTo,
          threadId,
          mentions,
          trackId,
        },
      }
    }
    case 'edited': {
      const { messageId, body, mentions } = event
      return { type: 'MessageEdited', value: { ...placed, eventId, messageId, body, mentions, editedAt: at } }
    }
    case 'deleted':
      return {
        type: 'MessageDeleted',
        value: { ...placed, eventId, messageId: event.messageId, deletedAt: at },
      }
    case 'reaction-added':
    case 'reaction-removed': {
      const { messageId, reaction, count } = event
      const type = event.type === 'reaction-added' ? 'ReactionAdded' : 'ReactionRemoved'
      return { type, value: { ...placed, eventId, messageId, reaction, count, reactedAt: at } }
    }
    default:
      return event satisfies never
  }
}

export const commandRefused = (event: Refused): CommandRefused => ({
  userId: event.senderId,
  roomId: event.roomId,
  clientMessageId: event.clientMessageId,
  code: event.code,
  refusedAt: event.at.getTime(),
})
