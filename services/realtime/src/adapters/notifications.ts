import { type Codec, type UserPublication, channels, topics } from '@veza/contracts'
import { type Publish } from '../protocol/replies.ts'
import { type Users } from '../users.ts'
import { type Reader, createReader } from './reader.ts'

/** Sends what users are told to all their connections here. */
export const readNotifications = (codec: Codec, users: Pick<Users, 'has'>, publish: Publish): Reader =>
  createReader(
    codec,
    topics.notifications,
    (userId) => users.has(userId),
    ({ value: { userId, roomId, clientMessageId, code } }) => {
      const publication: UserPublication = { type: 'rejected', roomId, clientMessageId, code }
      const channel = channels.user(userId)
      publish(channel, [
        { type: 'published', channel, publication: { offset: 0, data: JSON.stringify(publication) } },
      ])
    },
  )
