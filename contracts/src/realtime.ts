import {
  type CommandRefused,
  type MessagePosted,
  type TrackNews,
  type UserNotified,
} from './generated/records.ts'
import { type RecordOf, type topics } from './topics.ts'

/** Names of the channels that clients subscribe to. */
export const channels = {
  room: (roomId: string): string => `room:${roomId}`,
  user: (userId: string): string => `user:${userId}`,
  track: (trackId: string): string => `track:${trackId}`,
}

const channel = /^(?<kind>room|user):(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Undefined when it is no channel of ours: another kind, or an id that is not a lower-case UUID. */
export function parseChannel(name: string): { kind: 'room' | 'user'; id: string } | undefined {
  const { kind, id } = channel.exec(name)?.groups ?? {}
  if (kind === undefined || id === undefined) return undefined
  return { kind: kind === 'room' ? 'room' : 'user', id }
}

const trackChannel = /^track:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** The track whose channel it is; undefined: it is no track's. Such a channel is followed, and nothing else. */
export const parseTrackChannel = (name: string): string | undefined => trackChannel.exec(name)?.[1]

/** What a subscriber of `track:<id>` is sent: how many people hear the track now. At once, and when it changes. */
export type TrackAudience = { type: 'listeners'; listeners: number }

/** Who brought an event of a room about, and the name that they gave their command. */
interface Sent {
  senderId: string
  clientMessageId: string
}

/**
 * What a subscriber of `room:<id>` is sent. The publication's offset is the room's, beside this data. Times are ISO 8601,
 * UTC, milliseconds. Fields that would be null or empty are left out.
 */
export type RoomPublication =
  | (Sent & {
      type: 'message.posted'
      messageId: string
      /** Dense among the room's messages, from 1; 0 when written before they were counted. */
      messageNumber: number
      /** Empty in a message that was deleted since. */
      body: string
      postedAt: string
      replyTo?: string
      /** First message of the thread that it is in. */
      threadId?: string
      mentions?: readonly string[]
      trackId?: string
      /** Place in that track that the message is about, milliseconds. */
      trackPositionMs?: number
    })
  | (Sent & {
      type: 'message.edited'
      messageId: string
      body: string
      mentions?: readonly string[]
      editedAt: string
    })
  | (Sent & { type: 'message.deleted'; messageId: string; deletedAt: string })
  | (Sent & {
      type: 'reaction.added' | 'reaction.removed'
      messageId: string
      reaction: string
      /** People who have this reaction to the message now. */
      count: number
      reactedAt: string
    })

/** A command of theirs was refused. */
export type RejectedPublication = {
  type: 'rejected'
  roomId: string
  clientMessageId: string
  /** Stable, such as `not-a-member`. */
  code: string
}

/** How far the making of a track of theirs has come. */
export type TrackPublication = {
  type: 'track'
  trackId: string
  status: 'processing' | 'ready' | 'failed'
  /** 0 to 100. */
  percent: number
  /** Why it failed: stable, such as `corrupt`. */
  code?: string
}

/** What a user can be told of a room, beside the room's own channel. */
export const notificationTypes = [
  'mention',
  'mention.withdrawn',
  'direct-message',
  'invitation',
  'invitation.withdrawn',
  'room.joined',
  'room.left',
  'read',
] as const
export type NotificationType = (typeof notificationTypes)[number]

/**
 * Something waits for them, or waits no more. The publication's offset is the user's, beside this data. Both counts are
 * what they were when it was told.
 */
export type NotificationPublication = {
  type: NotificationType
  roomId: string
  /** Who brought it about. */
  senderId: string
  at: string
  messageId?: string
  /** Of that message; for `read`, the last one that they have read. */
  messageNumber?: number
  /** What they have yet to read of the room; left out when they are not in it. */
  unread?: { messages: number; mentions: number }
  /** What waits for them everywhere. */
  counts: { mentions: number; directMessages: number; invitations: number }
}

/** What the owner of `user:<id>` is sent. Those about rooms are recovered, the others are not. */
export type UserPublication = NotificationPublication | RejectedPublication | TrackPublication

const iso = (milliseconds: number) => new Date(milliseconds).toISOString()

const mentioning = (mentions: readonly string[]) => (mentions.length === 0 ? undefined : { mentions })

const posted = (event: MessagePosted): RoomPublication => ({
  type: 'message.posted',
  messageId: event.messageId,
  messageNumber: event.messageNumber,
  senderId: event.senderId,
  clientMessageId: event.clientMessageId,
  body: event.body,
  postedAt: iso(event.postedAt),
  ...(event.replyTo === null ? undefined : { replyTo: event.replyTo }),
  ...(event.threadId === null ? undefined : { threadId: event.threadId }),
  ...mentioning(event.mentions),
  ...(event.trackId === null ? undefined : { trackId: event.trackId }),
  ...(event.trackPositionMs === null ? undefined : { trackPositionMs: event.trackPositionMs }),
})

/** A record of chat.events.v1. */
export type ChatEvent = RecordOf<typeof topics.chatEvents>

/** An event of a room as clients see it, over WebSocket and HTTP alike. */
export const roomPublication = (event: ChatEvent): RoomPublication => {
  if (event.type === 'MessagePosted') return posted(event.value)
  const { messageId, senderId, clientMessageId } = event.value
  const about = { messageId, senderId, clientMessageId }
  switch (event.type) {
    case 'MessageEdited': {
      const { body, mentions, editedAt } = event.value
      return { type: 'message.edited', ...about, body, ...mentioning(mentions), editedAt: iso(editedAt) }
    }
    case 'MessageDeleted':
      return { type: 'message.deleted', ...about, deletedAt: iso(event.value.deletedAt) }
    case 'ReactionAdded':
    case 'ReactionRemoved': {
      const { reaction, count, reactedAt } = event.value
      const type = event.type === 'ReactionAdded' ? 'reaction.added' : 'reaction.removed'
      return { type, ...about, reaction, count, reactedAt: iso(reactedAt) }
    }
    default:
      return event satisfies never
  }
}

/** When an event of a room was numbered, milliseconds since the Unix epoch. */
export const eventTime = (event: ChatEvent): number => {
  switch (event.type) {
    case 'MessagePosted':
      return event.value.postedAt
    case 'MessageEdited':
      return event.value.editedAt
    case 'MessageDeleted':
      return event.value.deletedAt
    case 'ReactionAdded':
    case 'ReactionRemoved':
      return event.value.reactedAt
    default:
      return event satisfies never
  }
}

const statuses = ['processing', 'ready', 'failed'] as const

/** A numbered record of notifications.v1 as its user sees it. A type that this code does not know yet is shown as it is. */
export const notificationPublication = (record: UserNotified): NotificationPublication => {
  const { messageId, messageNumber, unreadMessages, unreadMentions } = record
  return {
    type: record.type as NotificationType,
    roomId: record.roomId,
    senderId: record.senderId,
    at: iso(record.at),
    ...(messageId !== null && { messageId }),
    ...(messageNumber !== null && { messageNumber }),
    ...(unreadMessages !== null &&
      unreadMentions !== null && { unread: { messages: unreadMessages, mentions: unreadMentions } }),
    counts: {
      mentions: record.mentions,
      directMessages: record.directMessages,
      invitations: record.invitations,
    },
  }
}

/** Any other record of notifications.v1 as its user sees it. */
export const userPublication = (
  record: CommandRefused | TrackNews,
): RejectedPublication | TrackPublication => {
  if (!('trackId' in record)) {
    const { roomId, clientMessageId, code } = record
    return { type: 'rejected', roomId, clientMessageId, code }
  }
  const { trackId, percent, code } = record
  const status = statuses.find((known) => known === record.status) ?? 'processing'
  return { type: 'track', trackId, status, percent, ...(code !== null && { code }) }
}
