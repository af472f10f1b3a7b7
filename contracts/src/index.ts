export {
  type ChatCommand,
  commandFields,
  type CommandProblem,
  commandRecord,
  readChatCommand,
} from './chat-commands.ts'
export { type Codec } from './codec.ts'
export { connectCodec } from './connect-codec.ts'
export { PoisonRecord, RegistryUnavailable } from './errors.ts'
export type * from './generated/records.ts'
export { readHeader, toHeaders, type EventHeaders } from './headers.ts'
export { limits } from './limits.ts'
export {
  channels,
  type ChatEvent,
  eventTime,
  notificationPublication,
  type NotificationPublication,
  type NotificationType,
  notificationTypes,
  parseChannel,
  parseTrackChannel,
  type TrackAudience,
  roomPublication,
  type RejectedPublication,
  type RoomPublication,
  type TrackPublication,
  type UserPublication,
  userPublication,
} from './realtime.ts'
export { decodeStored, writtenVersion } from './stored.ts'
export { deadLetterTopic, subjectOf, topics, type RecordName, type RecordOf, type Topic } from './topics.ts'
