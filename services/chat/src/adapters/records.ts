import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type OutgoingRecord } from '@veza/kit/kafka'
import { userNotified } from './publish.ts'
import { type StoredNotice } from './user-log.ts'

/** The record that tells a user of something, the same bytes whenever and from wherever it is told. */
export const noticeRecord = (codec: Codec, source: string, notice: StoredNotice): OutgoingRecord => ({
  topic: topics.notifications.name,
  key: notice.userId,
  value: codec.encode(topics.notifications, 'UserNotified', userNotified(notice)),
  headers: toHeaders({
    id: `${notice.sourceId}/${notice.userId}`,
    type: 'UserNotified',
    source,
    time: notice.at,
  }),
})
