import { type Happening } from '@veza/chat/store'
import { type topics } from '@veza/contracts'
import { type Message } from '@veza/kit/worker'

/** What the worker reads. */
export type SourceTopic = typeof topics.chatEvents | typeof topics.roomEvents

/** undefined: nobody is told of it. */
export const toHappening = (message: Message<SourceTopic>): Happening | undefined => {
  const sourceId = message.id
  switch (message.type) {
    case 'MessagePosted': {
      const { roomId, offset, messageId, messageNumber, senderId, mentions, postedAt } = message.value
      const about = { sourceId, roomId, roomOffset: offset, messageId, senderId }
      return { type: 'posted', ...about, messageNumber, mentions, at: new Date(postedAt) }
    }
    case 'MessageEdited': {
      const { roomId, offset, messageId, senderId, mentions, editedAt } = message.value
      const about = { sourceId, roomId, roomOffset: offset, messageId, senderId }
      return { type: 'edited', ...about, mentions, at: new Date(editedAt) }
    }
    case 'MessageDeleted': {
      const { roomId, offset, messageId, senderId, deletedAt } = message.value
      const about = { sourceId, roomId, roomOffset: offset, messageId, senderId }
      return { type: 'deleted', ...about, at: new Date(deletedAt) }
    }
    case 'MemberJoined':
    case 'MemberLeft':
    case 'MemberInvited':
    case 'InvitationWithdrawn': {
      // There is nobody left to be told.
      if (message.type === 'MemberLeft' && message.value.how === 'erased') return undefined
      const { roomId, userId, actorId, happenedAt } = message.value
      const type = (
        {
          MemberJoined: 'room.joined',
          MemberLeft: 'room.left',
          MemberInvited: 'invitation',
          InvitationWithdrawn: 'invitation.withdrawn',
        } as const
      )[message.type]
      return { type, sourceId, roomId, userId, actorId, at: new Date(happenedAt) }
    }
    default:
      return undefined
  }
}
