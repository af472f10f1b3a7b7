import { z } from '@veza/kit/http'
import { type ReadPosition } from '../adapters/read-positions.ts'

export const unread = z
  .object({
    readNumber: z.int().openapi({ description: 'The last message that you marked as read' }),
    messages: z.int().openapi({ description: 'Those after it, your own too' }),
    mentions: z.int().openapi({ description: 'Of you, in those after it' }),
  })
  .openapi('Unread')

export const unreadJson = ({ readNumber, lastMessageNumber, mentions }: ReadPosition) => ({
  readNumber,
  messages: lastMessageNumber - readNumber,
  mentions,
})
