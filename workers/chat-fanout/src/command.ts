import { type Command, outcomeIdOf } from '@veza/chat/store'
import { commandFields, readChatCommand, type topics } from '@veza/contracts'
import { type Message } from '@veza/kit/worker'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** undefined: the edges write lower-case UUIDs only, and other ids have no place in the store. */
export const toCommand = (message: Message<typeof topics.chatCommands>): Command | undefined => {
  const { roomId, senderId, clientMessageId } = message.value
  if (!uuid.test(roomId) || !uuid.test(senderId)) return undefined
  const eventId = outcomeIdOf(roomId, senderId, clientMessageId)
  const content = readChatCommand(commandFields(message))
  const isErasure = message.type === 'EraseContribution'
  return { eventId, roomId, senderId, clientMessageId, content, isErasure }
}
