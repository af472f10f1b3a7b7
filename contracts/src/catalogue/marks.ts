/**
 * What schemas can't say: a released one is never edited, not even its docs. By the name of a field, or `Record.field` where
 * one name means several things. A test sees to it that no field is forgotten.
 */

/** In which way a field is about people. */
export type PersonalMark =
  /** Bytes under a data key of the person's own: unreadable to readers of topics, and to everybody once it is deleted. */
  | 'sealed'
  /** The id of a person, or of a session of theirs: random, and says nothing once what it stands for is gone. */
  | 'person'
  /** What a person wrote or chose to be called. */
  | 'text'
  /** Stands for a person or a network on one day only. */
  | 'pseudonym'

export const personalMarks: Readonly<Record<string, PersonalMark>> = {
  ...{
    email: 'sealed',
    subject: 'sealed',
    sealedName: 'sealed',
    address: 'sealed',
    client: 'sealed',
    profile: 'sealed',
  },
  ...{ settings: 'sealed', 'PrivateProfileUpdated.fields': 'sealed' },
  ...{ userId: 'person', actorId: 'person', senderId: 'person', listenerId: 'person', ownerId: 'person' },
  ...{ followerId: 'person', followeeId: 'person', blockerId: 'person', blockedId: 'person' },
  ...{ moderatorId: 'person', reporterId: 'person', deletedBy: 'person', changedBy: 'person' },
  redrivenBy: 'person',
  ...{ mentions: 'person', users: 'person', formerId: 'person', sessionId: 'person', clients: 'person' },
  left: 'person',
  // It may be that of a person's profile.
  tag: 'person',
  ...{ body: 'text', displayName: 'text', title: 'text', description: 'text', filename: 'text' },
  ...{
    artist: 'text',
    album: 'text',
    genre: 'text',
    tags: 'text',
    name: 'text',
    words: 'text',
    note: 'text',
  },
  ...{ reaction: 'text', 'TrackReported.reason': 'text', 'TrackTakenDown.reason': 'text' },
  addressTag: 'pseudonym',
}

/** Fields of texts and ids that are not about people. */
export const impersonal: ReadonlySet<string> = new Set([
  ...['trackId', 'trackIds', 'roomId', 'messageId', 'eventId', 'playlistId', 'exportId', 'edgeId', 'replyTo'],
  ...[
    'threadId',
    'avatarId',
    'coverId',
    'clientMessageId',
    'epoch',
    'state',
    'status',
    'code',
    'codec',
    'format',
  ],
  ...[
    'method',
    'issuer',
    'roles',
    'role',
    'how',
    'visibility',
    'followsVisibleTo',
    'changed',
    'priority',
    'media',
  ],
  ...['source', 'type', 'day', 'reason', 'group', 'topic'],
])

const [milliseconds, seconds, count, number] = ['ms', 's', 'count', 'number'] as const

/** Of fields that are numbers but no times. A `number` is a place in an order, or a version. */
export const units: Readonly<Record<string, string>> = {
  ...{ positionMs: milliseconds, trackPositionMs: milliseconds, durationMs: milliseconds },
  ...{ listenedSeconds: seconds, slowModeSeconds: seconds },
  ...{ loudness: 'LUFS', truePeak: 'dBTP', gain: 'dB', percent: '%', bytes: 'bytes' },
  ...{ plays: count, playsApart: count, dayPlays: count, dayListeners: count, count },
  ...{ clientCount: count, userCount: count, unreadMessages: count, unreadMentions: count },
  ...{ directMessages: count, invitations: count, 'UserNotified.mentions': count },
  ...{ offset: number, roomOffset: number, messageNumber: number, sequence: number, attempt: number },
  ...{
    version: number,
    ruleVersion: number,
    recipe: number,
    deadLetterPartition: number,
    deadLetterOffset: number,
  },
}
