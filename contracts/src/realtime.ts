import { type MessagePosted } from './generated/records.ts'

/** Names of the channels that clients subscribe to. */
export const channels = {
  room: (roomId: string): string => `room:${roomId}`,
  user: (userId: string): string => `user:${userId}`,
}

const channel = /^(?<kind>room|user):(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Undefined when it is no channel of ours: another kind, or an id that is not a lower-case UUID. */
export function parseChannel(name: string): { kind: 'room' | 'user'; id: string } | undefined {
  const { kind, id } = channel.exec(name)?.groups ?? {}
  if (kind === undefined || id === undefined) return undefined
  return { kind: kind === 'room' ? 'room' : 'user', id }
}

/** What a subscriber of `room:<id>` is sent. The publication's offset is the room's, beside this data. */
export type RoomPublication = {
  type: 'message.posted'
  messageId: string
  /** Dense among the room's messages, from 1; 0 when written before they were counted. */
  messageNumber: number
  senderId: string
  clientMessageId: string
  body: string
  /** ISO 8601, UTC, milliseconds. */
  postedAt: string
}

/** What the owner of `user:<id>` is sent. */
export type UserPublication = {
  type: 'rejected'
  roomId: string
  clientMessageId: string
  /** Stable, such as `not-a-member`. */
  code: string
}

/** A posted message as clients see it, over WebSocket and HTTP alike. */
export const roomPublication = (event: MessagePosted): RoomPublication => ({
  type: 'message.posted',
  messageId: event.messageId,
  messageNumber: event.messageNumber,
  senderId: event.senderId,
  clientMessageId: event.clientMessageId,
  body: event.body,
  postedAt: new Date(event.postedAt).toISOString(),
})
