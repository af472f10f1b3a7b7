import { type Codec, channels, notificationPublication, topics, userPublication } from '@veza/contracts'
import { type Publish } from '../protocol/replies.ts'
import { type UserLogs } from '../user-logs.ts'
import { type Users } from '../users.ts'
import { type Reader, createReader } from './reader.ts'

/** Takes what users are told in their logs' order, and sends the rest to all their connections here as it comes. */
export const readNotifications = (
  codec: Codec,
  { users, userLogs }: { users: Pick<Users, 'has'>; userLogs: Pick<UserLogs, 'offer' | 'has'> },
  publish: Publish,
): Reader =>
  createReader(
    codec,
    topics.notifications,
    (userId) => userLogs.has(userId) || users.has(userId),
    ({ type, value }) => {
      if (type === 'UserNotified') {
        const { userId, epoch, offset, roomId, roomOffset } = value
        const data = JSON.stringify(notificationPublication(value))
        userLogs.offer(userId, epoch, { offset, data, roomId, roomOffset })
        return
      }
      const channel = channels.user(value.userId)
      const data = JSON.stringify(userPublication(value))
      publish(channel, [{ type: 'published', channel, publication: { offset: 0, data } }])
    },
  )
