import { type Posted } from '../domain/post.ts'
import { type ChatDatabase } from './schema.ts'

/** A row of room_events that is a post. */
export type PostedRow = ChatDatabase['room_events']

export const postedColumns = [
  'room_id',
  'offset',
  'event_id',
  'message_number',
  'sender_id',
  'client_message_id',
  'body',
  'posted_at',
] as const satisfies (keyof PostedRow)[]

/** `epoch` is the room's: it belongs to all of its events. */
export const readPosted = (row: PostedRow, epoch: string): Posted => ({
  type: 'posted',
  messageId: row.event_id,
  roomId: row.room_id,
  senderId: row.sender_id,
  clientMessageId: row.client_message_id,
  body: row.body,
  epoch,
  offset: row.offset,
  messageNumber: row.message_number,
  postedAt: row.posted_at,
})
