import {
  type ChatEvent,
  type CommandRefused,
  type RecordOf,
  type topics,
  type UserNotified,
} from '@veza/contracts'
import { type MessageEvent, type Refused } from '../domain/event.ts'
import { type RoomEvent } from '../domain/room.ts'
import { type StoredNotice } from './user-log.ts'

/** Domain event to contract record. An event read back from the store gives the same record, field by field. */
export const chatEvent = (event: MessageEvent): ChatEvent => {
  const { roomId, epoch, offset, eventId, senderId, clientMessageId } = event
  const placed = { roomId, epoch, offset, senderId, clientMessageId }
  const at = event.at.getTime()
  switch (event.type) {
    case 'posted': {
      const { messageNumber, body, replyTo, threadId, mentions, trackId, trackPositionMs } = event
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
          trackPositionMs,
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

/** A notice read back from the store gives the same record, field by field. */
export const userNotified = (notice: StoredNotice): UserNotified => {
  const { userId, epoch, offset, type, roomId, roomOffset, messageId, messageNumber, senderId } = notice
  return {
    ...{ userId, epoch, offset, type, roomId, roomOffset, messageId, messageNumber, senderId },
    unreadMessages: notice.unread?.messages ?? null,
    unreadMentions: notice.unread?.mentions ?? null,
    ...notice.counts,
    at: notice.at.getTime(),
  }
}

/** A record of rooms.events.v1. */
export type RoomRecord = RecordOf<typeof topics.roomEvents>

/** @param at milliseconds since the Unix epoch */
export const roomRecord = (event: RoomEvent, roomId: string, actorId: string, at: number): RoomRecord => {
  const common = { roomId, actorId, happenedAt: at }
  switch (event.type) {
    case 'member-added':
      return { type: 'MemberJoined', value: { ...common, userId: event.userId, role: event.role } }
    case 'member-left':
      return { type: 'MemberLeft', value: { ...common, userId: event.userId, how: event.how } }
    case 'role-changed':
      return { type: 'MemberRoleChanged', value: { ...common, userId: event.userId, role: event.role } }
    case 'invited':
      return { type: 'MemberInvited', value: { ...common, userId: event.userId } }
    case 'invitation-withdrawn':
      return { type: 'InvitationWithdrawn', value: { ...common, userId: event.userId } }
    case 'muted': {
      const mutedUntil = event.until?.getTime() ?? null
      return { type: 'MemberMuted', value: { ...common, userId: event.userId, mutedUntil } }
    }
    case 'banned':
      return { type: 'MemberBanned', value: { ...common, userId: event.userId } }
    case 'ban-lifted':
      return { type: 'BanLifted', value: { ...common, userId: event.userId } }
    case 'settings-changed': {
      const { archived, slowModeSeconds } = event
      return { type: 'RoomSettingsChanged', value: { ...common, archived, slowModeSeconds } }
    }
    case 'words-blocked':
      return { type: 'WordsBlocked', value: { ...common, words: event.words } }
    default:
      return event satisfies never
  }
}
