import { type MessageEvent } from '../domain/event.ts'
import { type MessageState } from '../domain/message.ts'
import { type ChatDatabase } from './schema.ts'

export type EventRow = ChatDatabase['room_events']

/** What an event is read from; what became of a post since is not in them. */
export const eventColumns = [
  'room_id',
  'offset',
  'event_id',
  'type',
  'message_id',
  'message_number',
  'sender_id',
  'client_message_id',
  'body',
  'reply_to',
  'thread_id',
  'mentions',
  'track_id',
  'track_position_ms',
  'reaction',
  'reaction_count',
  'posted_at',
] as const satisfies (keyof EventRow)[]

export type PlacedRow = Pick<EventRow, (typeof eventColumns)[number]>

/** `epoch` is the room's: it belongs to all of its events. */
export const readEvent = (row: PlacedRow, epoch: string): MessageEvent => {
  const placed = {
    eventId: row.event_id,
    roomId: row.room_id,
    epoch,
    offset: row.offset,
    senderId: row.sender_id,
    clientMessageId: row.client_message_id,
    at: row.posted_at,
  }
  const messageId = row.message_id ?? row.event_id
  const mentions = row.mentions ?? []
  switch (row.type) {
    case 'posted':
      return {
        type: 'posted',
        ...placed,
        messageNumber: row.message_number,
        body: row.body,
        replyTo: row.reply_to,
        threadId: row.thread_id,
        mentions,
        trackId: row.track_id,
        trackPositionMs: row.track_position_ms,
      }
    case 'edited':
      return { type: 'edited', ...placed, messageId, body: row.body, mentions }
    case 'deleted':
      return { type: 'deleted', ...placed, messageId }
    case 'reaction-added':
    case 'reaction-removed':
      return {
        type: row.type,
        ...placed,
        messageId,
        reaction: row.reaction ?? '',
        count: row.reaction_count ?? 0,
      }
    default:
      return row.type satisfies never
  }
}

/** undefined for an event that is no post. */
export const readMessage = (
  row: PlacedRow & Pick<EventRow, 'edited_body' | 'edited_mentions' | 'edited_at' | 'deleted_at'>,
): MessageState | undefined =>
  row.type === 'posted'
    ? {
        messageId: row.event_id,
        roomId: row.room_id,
        senderId: row.sender_id,
        messageNumber: row.message_number,
        threadId: row.thread_id,
        mentions: row.edited_mentions ?? row.mentions ?? [],
        edit:
          row.edited_body === null || row.edited_at === null
            ? null
            : { body: row.edited_body, at: row.edited_at },
        deletedAt: row.deleted_at,
      }
    : undefined
