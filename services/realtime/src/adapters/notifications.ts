import { type Codec, channels, topics, userPublication } from '@veza/contracts'
import { type Publish } from '../protocol/replies.ts'
import { type Users } from '../users.ts'
import { type Reader, createReader } from './reader.ts'

/** Sends what users are told to all their connections here. */
export const readNotifications = (codec: Codec, users: Pick<Users, 'has'>, publish: Publish): Reader =>
  createReader(
    codec,
    topics.notifications,
    (userId) => users.has(userId),
    ({ value }) => {
      const channel = channels.user(value.userId)
      const data = JSON.stringify(userPublication(value))
      publish(channel, [{ type: 'published', channel, publication: { offset: 0, data } }])
    },
  )
