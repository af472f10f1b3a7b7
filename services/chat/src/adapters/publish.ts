import { type CommandRefused, type MessagePosted } from '@veza/contracts'
import { type Posted, type Refused } from '../domain/post.ts'

/** Domain event to contract record. An event read back from the store gives the same record, field by field. */
export const messagePosted = (event: Posted): MessagePosted => ({
  roomId: event.roomId,
  epoch: event.epoch,
  offset: event.offset,
  messageId: event.messageId,
  senderId: event.senderId,
  clientMessageId: event.clientMessageId,
  body: event.body,
  postedAt: event.postedAt.getTime(),
  messageNumber: event.messageNumber,
})

export const commandRefused = (event: Refused): CommandRefused => ({
  userId: event.senderId,
  roomId: event.roomId,
  clientMessageId: event.clientMessageId,
  code: event.code,
  refusedAt: event.refusedAt.getTime(),
})
