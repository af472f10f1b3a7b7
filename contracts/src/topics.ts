import { type Records } from './generated/records.ts'
import { newestVersion } from './schemas.ts'

export type RecordName = keyof Records

/** A Kafka topic as the catalogue describes it. */
export interface Topic<R extends RecordName = RecordName> {
  readonly name: string
  /** What the key of its records is, in prose. Records of one key keep their order. */
  readonly key: string
  /** Chosen once, never changed: another count would send a key elsewhere and break its order. */
  readonly partitions: number
  readonly cleanup: 'delete' | 'compact'
  /** Milliseconds, or `forever`. */
  readonly retentionMs: number
  /** Of one produce request to it, where the broker's own limit (1 MiB) is not right. */
  readonly maxMessageBytes?: number
  /** Record types that it carries. Empty: bytes of other topics as they were, never decoded by name. */
  readonly records: readonly R[]
  /** The context whose contract it is: who decides about new versions, and answers questions. */
  readonly owner: string
  /** Services and workers, by folder name. */
  readonly writers: readonly string[]
  readonly readers: readonly string[]
  /** One sentence for readers outside. */
  readonly doc: string
}

const minute = 60 * 1000
const day = 24 * 60 * minute

/** The retention of a topic that is kept whole, as Kafka writes it. */
export const forever = -1

/** How long records are kept, for people: `30 d`, `10 min`, `for ever`. */
export const keptFor = ({ retentionMs }: Pick<Topic, 'retentionMs'>): string => {
  if (retentionMs === forever) return 'for ever'
  return retentionMs % day === 0 ? `${retentionMs / day} d` : `${retentionMs / minute} min`
}

/** Where a consumer group puts what it can't handle, with the source's key and bytes as they were. */
export const deadLetterTopic = (group: string): string => `${group}.dlq.v1`

/** Where a consumer group puts what it can't handle: bytes as they were, undecoded. */
const deadLettersOf = <G extends string>(group: G) =>
  ({
    name: deadLetterTopic(group),
    key: 'as in the source topic',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 14 * day,
    // The largest record that its source takes, and the headers that say why it is here.
    maxMessageBytes: 2 * 1024 * 1024,
    records: [],
    owner: group,
    writers: [group],
    readers: ['operators'],
    doc: `Records that ${group} could not handle, as they were, with headers that say where from and why.`,
  }) as const satisfies Topic

/** Every topic that exists. Created from here by a command, never automatically. */
export const topics = {
  authEvents: {
    name: 'auth.events.v1',
    key: 'user id; of dead letters that were redriven, the consumer group',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: forever,
    records: [
      'UserRegistered',
      'EmailVerified',
      'PasswordChanged',
      'IdentityLinked',
      'RolesChanged',
      'SessionStarted',
      'SessionRevoked',
      'AccountErased',
      'DeadLetterRedriven',
    ],
    owner: 'auth',
    writers: ['outbox-relay'],
    readers: ['realtime', 'users-profiles', 'data teams'],
    doc: 'What happened to accounts and their sessions, and what administrators did to dead letters. Names, e-mail and network addresses are sealed. A record can come again with the same ce_id.',
  },
  usersEvents: {
    name: 'users.events.v1',
    // What is between two people has one of them as its key, so that it keeps its order.
    key: 'user id; of what is between two people, the smaller id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: forever,
    records: [
      'ProfileCreated',
      'ProfileUpdated',
      'PrivateProfileUpdated',
      'AvatarChanged',
      'PrivacyChanged',
      'SettingsChanged',
      'DataExportRequested',
      'ErasureRequested',
      'ErasureCancelled',
      'UserErased',
      'FollowRequested',
      'FollowStarted',
      'FollowEnded',
      'UserBlocked',
      'UserUnblocked',
    ],
    owner: 'users',
    writers: ['outbox-relay'],
    readers: [
      'users-views',
      'users-exports',
      'auth-erasure',
      'chat-erasure',
      'tracks-erasure',
      'tracks-relations',
      'cache-invalidation',
      'data teams',
    ],
    doc: 'What happened to profiles and between people. What a profile says is sealed. A record can come again with the same ce_id.',
  },
  tracksEvents: {
    name: 'tracks.events.v1',
    key: 'track or playlist id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: forever,
    records: [
      'TrackUploaded',
      'TranscodeRequested',
      'TrackReady',
      'TrackFailed',
      'TrackEdited',
      'TrackCoverChanged',
      'TrackVisibilityChanged',
      'TrackPublicationScheduled',
      'TrackReported',
      'TrackReportsDismissed',
      'TrackTakenDown',
      'TrackRestored',
      'TrackDeleted',
      'PlaylistCreated',
      'PlaylistEdited',
      'PlaylistTracksChanged',
      'PlaylistDeleted',
    ],
    owner: 'tracks',
    writers: ['outbox-relay'],
    readers: ['transcode', 'cache-invalidation', 'data teams'],
    doc: 'What happened to tracks, from upload to deletion, and to playlists. A record can come again with the same ce_id.',
  },
  mediaTranscode: {
    name: 'media.transcode.v1',
    key: 'track id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 7 * day,
    records: ['TranscodeProgressed'],
    owner: 'tracks',
    writers: ['transcode'],
    readers: ['data teams'],
    doc: 'How far the making of streams has come.',
  },
  listeningEvents: {
    name: 'listening.events.v1',
    key: 'track id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 30 * day,
    records: ['ListeningReported'],
    owner: 'streams',
    writers: ['streams'],
    readers: ['realtime', 'analytics', 'data teams'],
    doc: 'Who hears what, as players report it.',
  },
  trackStats: {
    name: 'analytics.track-stats.v1',
    key: 'track id',
    partitions: 6,
    cleanup: 'compact',
    retentionMs: forever,
    records: ['TrackStatsChanged'],
    owner: 'streams',
    writers: ['analytics'],
    readers: ['data teams'],
    doc: 'What is counted of each track: the newest record of a key is its present state.',
  },
  chatCommands: {
    name: 'chat.commands.v1',
    key: 'room id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 7 * day,
    records: [
      'PostMessage',
      'EditMessage',
      'DeleteMessage',
      'AddReaction',
      'RemoveReaction',
      'EraseContribution',
    ],
    owner: 'chat',
    writers: ['realtime', 'chat', 'chat-erasure'],
    readers: ['chat-fanout'],
    doc: 'What users ask of rooms. Acknowledged to them once it is here.',
  },
  chatEvents: {
    name: 'chat.events.v1',
    key: 'room id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 30 * day,
    records: ['MessagePosted', 'MessageEdited', 'MessageDeleted', 'ReactionAdded', 'ReactionRemoved'],
    owner: 'chat',
    writers: ['chat-fanout'],
    readers: ['realtime', 'notifications', 'analytics', 'data teams'],
    doc: 'What happened in rooms, densely numbered per room. A record can come again with the same ce_id.',
  },
  chatSignals: {
    name: 'chat.signals.v1',
    key: 'room id, edge id or user id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 10 * minute,
    records: ['PresenceChanged', 'EdgeSeen', 'TypingStarted', 'DisconnectRequested'],
    owner: 'realtime',
    writers: ['realtime'],
    readers: ['realtime'],
    doc: 'What the WebSocket edges tell each other: presence, typing, whom to disconnect. Stored nowhere.',
  },
  roomEvents: {
    name: 'rooms.events.v1',
    key: 'room id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: forever,
    records: [
      'RoomCreated',
      'RoomSettingsChanged',
      'MemberJoined',
      'MemberLeft',
      'MemberRoleChanged',
      'MemberInvited',
      'InvitationWithdrawn',
      'MemberMuted',
      'MemberBanned',
      'BanLifted',
      'MessageReported',
      'MessageReportsDismissed',
      'WordsBlocked',
    ],
    owner: 'chat',
    writers: ['outbox-relay'],
    readers: ['realtime', 'notifications', 'data teams'],
    doc: 'What happened to rooms and who is in them, in the order in which it was decided.',
  },
  notifications: {
    name: 'notifications.v1',
    key: 'user id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: day,
    records: ['UserNotified', 'CommandRefused', 'TrackNews'],
    owner: 'chat',
    writers: ['notifications', 'chat', 'chat-fanout', 'transcode'],
    readers: ['realtime'],
    doc: 'What one user alone is told, on all their connections. What waits for them is numbered; a record can come again.',
  },
  cacheInvalidations: {
    name: 'cache.invalidations.v1',
    key: 'cache tag; empty: of whoever tells of changes itself',
    owner: 'cache-invalidation',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 10 * minute,
    records: ['EntityChanged', 'InvalidatorSeen'],
    writers: ['cache-invalidation'],
    readers: ['users', 'tracks'],
    doc: 'What caches hold is out of date. Every process that has a cache reads all of it, from when it starts.',
  },
  notificationsDeadLetters: deadLettersOf('notifications'),
  cacheInvalidationDeadLetters: deadLettersOf('cache-invalidation'),
  analyticsDeadLetters: deadLettersOf('analytics'),
  authErasureDeadLetters: deadLettersOf('auth-erasure'),
  chatErasureDeadLetters: deadLettersOf('chat-erasure'),
  tracksErasureDeadLetters: deadLettersOf('tracks-erasure'),
  usersViewsDeadLetters: deadLettersOf('users-views'),
  usersProfilesDeadLetters: deadLettersOf('users-profiles'),
  usersExportsDeadLetters: deadLettersOf('users-exports'),
  tracksRelationsDeadLetters: deadLettersOf('tracks-relations'),
  chatFanoutDeadLetters: deadLettersOf('chat-fanout'),
  transcodeDeadLetters: deadLettersOf('transcode'),
} as const satisfies Record<string, Topic>

/** What decoding a record of the topic can give: discriminate by `type`. */
export type RecordOf<T extends Topic> = {
  [N in T['records'][number]]: { type: N; value: Records[N] }
}[T['records'][number]]

/** Registry subject (TopicRecordName strategy): a topic carries several record types, each with its own history. */
export const subjectOf = (topic: Topic, record: RecordName): string =>
  `${topic.name}-${newestVersion(record).namespace}.${record}`
