// Generated from contracts/schemas by contracts/src/generate.ts. Change the schemas, not this file.

/** The account is gone for good: nobody signs in to it, and the data key of the person is deleted. */
export interface AccountErased {
  /** The account's user; also the record's key. */
  userId: string
  /** When it was erased, milliseconds since the Unix epoch. */
  erasedAt: number
}

/** A user reacts to a message. It has exactly one outcome: ReactionAdded or CommandRefused. */
export interface AddReaction {
  /** Room of the message; also the record's key. */
  roomId: string
  /** User who sends the command, as named by the verified access token. */
  senderId: string
  /** Chosen by the client, 1 to 64 characters. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Message that it is about. */
  messageId: string
  /** Such as an emoji, 1 to 32 Unicode code points. */
  reaction: string
  /** When the edge accepted the command, milliseconds since the Unix epoch. */
  sentAt: number
}

/** A person has another picture, or none. */
export interface AvatarChanged {
  /** The person; also the record's key. */
  userId: string
  /** Names the picture in its address; null: there is none any more. */
  avatarId: null | string
  /** When it changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** Somebody may join a room again. */
export interface BanLifted {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A chat command was refused: its one and only outcome, told to its sender. */
export interface CommandRefused {
  /** User who sent the command; also the record's key. */
  userId: string
  /** Room that the command was for. */
  roomId: string
  /** The sender's own name for the message, 1 to 64 characters. */
  clientMessageId: string
  /** Stable reason, such as room-not-found or not-a-member. */
  code: string
  /** When it was refused, milliseconds since the Unix epoch. */
  refusedAt: number
}

/** A person asked for a copy of all data about them. */
export interface DataExportRequested {
  /** The person; also the record's key. */
  userId: string
  /** The job that gathers it. */
  exportId: string
  /** When it was asked for, milliseconds since the Unix epoch. */
  requestedAt: number
}

/** An administrator had a record that a consumer group could not handle written once more to the topic that it came from. */
export interface DeadLetterRedriven {
  /** The consumer group that could not handle it; also the record's key. */
  group: string
  /** Partition of the group's dead-letter topic that it lies in. */
  deadLetterPartition: number
  /** Its offset there. */
  deadLetterOffset: number
  /** The topic that it came from and was written to again. */
  topic: string
  /** Its ce_id; null: it has none. */
  eventId: null | string
  /** User id of the administrator, or operator for a command run on the machines. */
  redrivenBy: string
  /** When, milliseconds since the Unix epoch. */
  redrivenAt: number
}

/** A user asks to delete a message, their own or, as a moderator, any. It has exactly one outcome: MessageDeleted or CommandRefused. */
export interface DeleteMessage {
  /** Room of the message; also the record's key. */
  roomId: string
  /** User who sends the command, as named by the verified access token. */
  senderId: string
  /** Chosen by the client, 1 to 64 characters. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Message that it is about. */
  messageId: string
  /** When the edge accepted the command, milliseconds since the Unix epoch. */
  sentAt: number
}

/** A user's connections are to be closed, at whichever edge they are. */
export interface DisconnectRequested {
  /** The user; also the record's key. */
  userId: string
  /** Only the connections of this session; null for all. */
  sessionId: null | string
  /** Whether clients are told to connect again, as after a change that a new token carries. */
  mayReturn: boolean
  /** When it was asked for, milliseconds since the Unix epoch. */
  requestedAt: number
}

/** A WebSocket edge runs, or is about to end. Without such a word for some time its connections count as gone. A signal: kept for minutes, stored nowhere. */
export interface EdgeSeen {
  /** The edge; also the record's key. A new one each time that an edge starts. */
  edgeId: string
  /** When the edge started, milliseconds since the Unix epoch. */
  startedAt: number
  /** True: its last word, all its connections are closed. */
  leaving: boolean
  /** When it was sent, milliseconds since the Unix epoch. */
  sentAt: number
}

/** A user asks to replace the text of a message of their own. It has exactly one outcome: MessageEdited or CommandRefused. */
export interface EditMessage {
  /** Room of the message; also the record's key. */
  roomId: string
  /** User who sends the command, as named by the verified access token. */
  senderId: string
  /** Chosen by the client, 1 to 64 characters. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Message that it is about. */
  messageId: string
  /** The new text, 1 to 4000 Unicode code points. */
  body: string
  /** Users whom the new text calls by name, at most 50, each once. */
  mentions: readonly (string)[]
  /** When the edge accepted the command, milliseconds since the Unix epoch. */
  sentAt: number
}

/** The person proved to read mail at the address of the account. */
export interface EmailVerified {
  /** The account's user; also the record's key. */
  userId: string
  /** When they did, milliseconds since the Unix epoch. */
  verifiedAt: number
}

/** What caches keep under a tag is out of date where it is older than a version. A signal: kept for minutes; order and repetition make no difference. */
export interface EntityChanged {
  /** The name of the cache, a colon, and the id of the entity; also the record's key. */
  tag: string
  /** Version that the entity has by now, or has passed. */
  version: number
  /** When the event happened that changed it, milliseconds since the Unix epoch. */
  changedAt: number
}

/** A forgotten person's message or reaction is to go, whatever the room says and whether or not they are still in it. Written by chat-erasure alone. It has exactly one outcome: MessageDeleted, ReactionRemoved or CommandRefused. */
export interface EraseContribution {
  /** Room of the message; also the record's key. */
  roomId: string
  /** The forgotten person. */
  senderId: string
  /** Follows from what is erased and from the record that told of the erasure, so that no client can take it first. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Their message; or the message that they reacted to. */
  messageId: string
  /** The reaction; null: the message itself. */
  reaction: null | string
  /** When it was asked for, milliseconds since the Unix epoch. */
  sentAt: number
}

/** A person took the wish to be forgotten back. */
export interface ErasureCancelled {
  /** The person; also the record's key. */
  userId: string
  /** When they did, milliseconds since the Unix epoch. */
  cancelledAt: number
}

/** A person asked to be forgotten. Until it is due they may take that back. */
export interface ErasureRequested {
  /** The person; also the record's key. */
  userId: string
  /** When it is to be done, milliseconds since the Unix epoch. */
  dueAt: number
  /** When it was asked for, milliseconds since the Unix epoch. */
  requestedAt: number
}

/** Somebody follows a person no more, or their wish to is off. */
export interface FollowEnded {
  /** Who followed, or wished to. The record's key is the smaller of the two ids. */
  followerId: string
  /** Whom. */
  followeeId: string
  /** unfollowed or withdrawn (by the follower), removed or declined (by the other), blocked (by either). */
  reason: string
  /** When, milliseconds since the Unix epoch. */
  endedAt: number
}

/** Somebody would like to follow a person who accepts followers one by one. */
export interface FollowRequested {
  /** Who would like to follow. The record's key is the smaller of the two ids. */
  followerId: string
  /** Whom. */
  followeeId: string
  /** When, milliseconds since the Unix epoch. */
  requestedAt: number
}

/** Somebody follows a person from now on. */
export interface FollowStarted {
  /** Who follows. The record's key is the smaller of the two ids. */
  followerId: string
  /** Whom. */
  followeeId: string
  /** When, milliseconds since the Unix epoch. */
  startedAt: number
}

/** The account can be signed in to by an identity at an outside OpenID Connect provider. */
export interface IdentityLinked {
  /** The account's user; also the record's key. */
  userId: string
  /** The provider's issuer URL. */
  issuer: string
  /** The provider's name for the person (sub), UTF-8. Sealed under the data key that auth keeps for the person: nobody else reads it, and nobody at all once that key is deleted. */
  subject: Buffer
  /** When it was linked, milliseconds since the Unix epoch. */
  linkedAt: number
}

/** Somebody reads events and tells caches of changes. Without such a word for some seconds caches keep nothing for longer than a second. A signal: kept for minutes, stored nowhere. */
export interface InvalidatorSeen {
  /** When it was sent, milliseconds since the Unix epoch. */
  sentAt: number
}

/** An invitation is no more: declined by the one who had it, or taken back. */
export interface InvitationWithdrawn {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** What a player says of itself while somebody listens: at the start, every few seconds, at a pause and at the end. */
export interface ListeningReported {
  /** The track that is heard; also the record's key. */
  trackId: string
  /** One playback, from its start by POST …/playback to its end. */
  sessionId: string
  /** Who listens. */
  listenerId: string
  /** Where in the track the player is, milliseconds. */
  positionMs: number
  /** playing, paused or ended. */
  state: string
  /** When the report arrived, milliseconds since the Unix epoch. */
  reportedAt: number
  /** Length of the track's stream, milliseconds; 0 when written before it was told. */
  durationMs: number
  /** Whose track it is; null when written before it was told. */
  ownerId: null | string
  /** Stands for the network that the report came from, another one every day (UTC): 128 bits of an HMAC, so that a burst from one network is seen and nobody's address is kept. null: unknown. */
  addressTag: null | string
}

/** Somebody is shut out of a room until the ban is lifted. If they were a member, MemberLeft precedes it. */
export interface MemberBanned {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** Somebody may join a room that they could not join or see before. */
export interface MemberInvited {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** Somebody became a member: joined, was added, or took up an invitation. */
export interface MemberJoined {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** owner, moderator or member. */
  role: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** Somebody is no member any more: edges stop showing them the room. */
export interface MemberLeft {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** left, removed, banned or erased. */
  how: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A member may not post until a time, or may again. */
export interface MemberMuted {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** Until when, milliseconds since the Unix epoch; null: not any more. */
  mutedUntil: null | number
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A member has another role. */
export interface MemberRoleChanged {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Whom it is about. */
  userId: string
  /** owner, moderator or member. */
  role: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A message was deleted: whoever keeps its text blanks it. Its place in the numbering stays. */
export interface MessageDeleted {
  /** Room of the message; also the record's key. */
  roomId: string
  /** Epoch of the room's numbering. It changes only when the room's history was replaced, such as by a restore. */
  epoch: string
  /** Dense number of this event among all events of the room, from 1. */
  offset: number
  /** Derived from room, sender and clientMessageId; equals the header ce_id. */
  eventId: string
  /** Message that it is about. */
  messageId: string
  /** User who brought it about. */
  senderId: string
  /** The sender's own name for the command, 1 to 64 characters. */
  clientMessageId: string
  /** When it was numbered, milliseconds since the Unix epoch. */
  deletedAt: number
}

/** The text of a message was replaced. Emitted again, with the same numbers, when its command is delivered again. */
export interface MessageEdited {
  /** Room of the message; also the record's key. */
  roomId: string
  /** Epoch of the room's numbering. It changes only when the room's history was replaced, such as by a restore. */
  epoch: string
  /** Dense number of this event among all events of the room, from 1. */
  offset: number
  /** Derived from room, sender and clientMessageId; equals the header ce_id. */
  eventId: string
  /** Message that it is about. */
  messageId: string
  /** User who brought it about. */
  senderId: string
  /** The sender's own name for the command, 1 to 64 characters. */
  clientMessageId: string
  /** The new text, 1 to 4000 Unicode code points; empty when the message was deleted before this was emitted again. */
  body: string
  /** Users whom the new text calls by name, at most 50, each once. */
  mentions: readonly (string)[]
  /** When it was numbered, milliseconds since the Unix epoch. */
  editedAt: number
}

/** A message took its place in a room. Emitted again, with the same numbers, when its command is delivered again. */
export interface MessagePosted {
  /** Room of the message; also the record's key. */
  roomId: string
  /** Epoch of the room's numbering. It changes only when the room's history was replaced, such as by a restore. */
  epoch: string
  /** Dense number of this event among all events of the room, from 1. */
  offset: number
  /** Derived from room, sender and clientMessageId; equals the header ce_id. */
  messageId: string
  /** User who sent it. */
  senderId: string
  /** The sender's own name for the message, 1 to 64 characters. */
  clientMessageId: string
  /** Text, 1 to 4000 Unicode code points; empty when the message was deleted before this was emitted again. */
  body: string
  /** When it was numbered, milliseconds since the Unix epoch. */
  postedAt: number
  /** Dense number among the room's messages alone, from 1; 0 when written before messages were counted. */
  messageNumber: number
  /** Message of the same room that this one answers; null: none. */
  replyTo: null | string
  /** First message of the thread that it is in; null: it is no reply. */
  threadId: null | string
  /** Users whom the message calls by name, at most 50, each once. */
  mentions: readonly (string)[]
  /** Track that the message shows; null: none. */
  trackId: null | string
  /** Place in that track that the message is about, milliseconds from its beginning; null: none. */
  trackPositionMs: null | number
}

/** A member reported a message to the moderators of its room. */
export interface MessageReported {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** The message. */
  messageId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A moderator looked into the reports of a message and found nothing wrong. */
export interface MessageReportsDismissed {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** The message. */
  messageId: string
  /** What the moderator noted about it, at most 1,000 characters; empty: nothing. */
  note: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** The account has another password, or none any more. The password itself is in no event. */
export interface PasswordChanged {
  /** The account's user; also the record's key. */
  userId: string
  /** changed (by somebody who knew the former one), reset (by mail) or withdrawn (whoever had set it never proved the address). */
  reason: string
  /** When it changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** A playlist came to be, empty. */
export interface PlaylistCreated {
  /** The playlist; also the record's key. */
  playlistId: string
  /** Whose playlist it is. */
  ownerId: string
  /** 1 to 200 characters. */
  title: string
  /** 0 to 4000 characters. */
  description: string
  /** public, followers, unlisted or private. */
  visibility: string
  /** Milliseconds since the Unix epoch. */
  createdAt: number
}

/** A playlist was deleted by its owner. */
export interface PlaylistDeleted {
  /** The playlist; also the record's key. */
  playlistId: string
  /** Whose playlist it is. */
  ownerId: string
  /** Milliseconds since the Unix epoch. */
  deletedAt: number
}

/** What a playlist says of itself was changed; the fields are what it says now. */
export interface PlaylistEdited {
  /** The playlist; also the record's key. */
  playlistId: string
  /** Whose playlist it is. */
  ownerId: string
  /** 1 to 200 characters. */
  title: string
  /** 0 to 4000 characters. */
  description: string
  /** public, followers, unlisted or private. */
  visibility: string
  /** Milliseconds since the Unix epoch. */
  editedAt: number
}

/** A playlist has these tracks now, in this order. */
export interface PlaylistTracksChanged {
  /** The playlist; also the record's key. */
  playlistId: string
  /** Whose playlist it is. */
  ownerId: string
  /** At most 500, each once. */
  trackIds: readonly (string)[]
  /** Milliseconds since the Unix epoch. */
  changedAt: number
}

/** A user asks to post a message in a room. It has exactly one outcome: MessagePosted or CommandRefused. */
export interface PostMessage {
  /** Room to post in; also the record's key. */
  roomId: string
  /** User who sends, as named by the verified access token. */
  senderId: string
  /** Chosen by the client, 1 to 64 characters. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Text, 1 to 4000 Unicode code points. */
  body: string
  /** When the edge accepted the command, milliseconds since the Unix epoch. */
  sentAt: number
  /** Message of the same room that this one answers; null: none. */
  replyTo: null | string
  /** Users whom the message calls by name, at most 50, each once. */
  mentions: readonly (string)[]
  /** Track that the message shows; null: none. */
  trackId: null | string
  /** Place in that track that the message is about, milliseconds from its beginning; null: none. */
  trackPositionMs: null | number
}

/** Who came to a room or left it at one WebSocket edge. A signal: kept for minutes, stored nowhere. */
export interface PresenceChanged {
  /** Room; also the record's key. */
  roomId: string
  /** Edge that the connections are to. A new one each time that an edge starts. */
  edgeId: string
  /** Dense number of this record among those of the edge and the room, from 1. A reader that sees a gap asks. */
  sequence: number
  /** Whether clients and users are all that the edge has in the room now; otherwise they are those that came. */
  complete: boolean
  /** False: there are too many to list, only the counts are given. */
  listed: boolean
  /** Connections, by the id that the edge gave them. */
  clients: readonly (string)[]
  /** Their users, in the same order. */
  users: readonly (string)[]
  /** Connections that left the room since the record before. */
  left: readonly (string)[]
  /** Connections that the edge has in the room now. */
  clientCount: number
  /** Users that they belong to. */
  userCount: number
  /** Every other edge is asked to answer with all that it has in the room. */
  asks: boolean
  /** When it was sent, milliseconds since the Unix epoch. */
  sentAt: number
}

/** Who may see and follow a person changed. */
export interface PrivacyChanged {
  /** The person; also the record's key. */
  userId: string
  /** Whether a follower has to be accepted first. */
  approveFollowers: boolean
  /** Whether search finds the person. */
  searchable: boolean
  /** Who may see whom the person follows and is followed by: everyone, followers or nobody. */
  followsVisibleTo: string
  /** When it changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** What only the person sees of the profile changed. */
export interface PrivateProfileUpdated {
  /** The person; also the record's key. */
  userId: string
  /** The private fields from now on, all of them, a JSON document. Sealed under the data key that users keeps for the person, so nobody else reads it, and nobody at all once that key is deleted. */
  fields: Buffer
  /** When it changed, milliseconds since the Unix epoch. */
  updatedAt: number
}

/** Somebody has a profile. */
export interface ProfileCreated {
  /** The person; also the record's key. */
  userId: string
  /** What others see, a JSON document. Sealed under the data key that users keeps for the person, so nobody else reads it, and nobody at all once that key is deleted. */
  profile: Buffer
  /** When it came to be, milliseconds since the Unix epoch. */
  createdAt: number
}

/** What others see of a person changed. */
export interface ProfileUpdated {
  /** The person; also the record's key. */
  userId: string
  /** What others see from now on, the whole of it, a JSON document. Sealed under the data key that users keeps for the person, so nobody else reads it, and nobody at all once that key is deleted. */
  profile: Buffer
  /** Names of the fields that differ from before. */
  changed: readonly (string)[]
  /** When it changed, milliseconds since the Unix epoch. */
  updatedAt: number
}

/** A user reacted to a message. Emitted again, with the same numbers, when its command is delivered again. */
export interface ReactionAdded {
  /** Room of the message; also the record's key. */
  roomId: string
  /** Epoch of the room's numbering. It changes only when the room's history was replaced, such as by a restore. */
  epoch: string
  /** Dense number of this event among all events of the room, from 1. */
  offset: number
  /** Derived from room, sender and clientMessageId; equals the header ce_id. */
  eventId: string
  /** Message that it is about. */
  messageId: string
  /** User who brought it about. */
  senderId: string
  /** The sender's own name for the command, 1 to 64 characters. */
  clientMessageId: string
  /** Such as an emoji, 1 to 32 Unicode code points. */
  reaction: string
  /** Users who have this reaction to the message now. */
  count: number
  /** When it was numbered, milliseconds since the Unix epoch. */
  reactedAt: number
}

/** A user took a reaction back. Emitted again, with the same numbers, when its command is delivered again. */
export interface ReactionRemoved {
  /** Room of the message; also the record's key. */
  roomId: string
  /** Epoch of the room's numbering. It changes only when the room's history was replaced, such as by a restore. */
  epoch: string
  /** Dense number of this event among all events of the room, from 1. */
  offset: number
  /** Derived from room, sender and clientMessageId; equals the header ce_id. */
  eventId: string
  /** Message that it is about. */
  messageId: string
  /** User who brought it about. */
  senderId: string
  /** The sender's own name for the command, 1 to 64 characters. */
  clientMessageId: string
  /** Such as an emoji, 1 to 32 Unicode code points. */
  reaction: string
  /** Users who have this reaction to the message now. */
  count: number
  /** When it was numbered, milliseconds since the Unix epoch. */
  reactedAt: number
}

/** A user takes a reaction back. It has exactly one outcome: ReactionRemoved or CommandRefused. */
export interface RemoveReaction {
  /** Room of the message; also the record's key. */
  roomId: string
  /** User who sends the command, as named by the verified access token. */
  senderId: string
  /** Chosen by the client, 1 to 64 characters. With room and sender it names the command: sent again, it has the same outcome. */
  clientMessageId: string
  /** Message that it is about. */
  messageId: string
  /** Such as an emoji, 1 to 32 Unicode code points. */
  reaction: string
  /** When the edge accepted the command, milliseconds since the Unix epoch. */
  sentAt: number
}

/** The account has other roles than before. Access tokens that were issued before it still carry the former ones, for 10 minutes at most. */
export interface RolesChanged {
  /** The account's user; also the record's key. */
  userId: string
  /** All roles from now on, sorted: moderator, admin, or none for a plain user. */
  roles: readonly (string)[]
  /** User id of the administrator, or operator for a command run on the machines. */
  changedBy: string
  /** When they changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** A room was created. */
export interface RoomCreated {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** As it was entered, 1 to 80 characters; empty in a direct room. */
  name: string
  /** public, private or direct (of two people). */
  visibility: string
  /** Who owns it. */
  ownerId: string
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** What holds for everybody in a room was changed. */
export interface RoomSettingsChanged {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** Nothing can be posted in it any more. */
  archived: boolean
  /** Between two posts of one member at least; 0: no slow mode. */
  slowModeSeconds: number
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** A session has ended: no refresh token of it is exchanged again, its sockets are closed. */
export interface SessionRevoked {
  /** The account's user; also the record's key. */
  userId: string
  /** The session. */
  sessionId: string
  /** signed-out, revoked (from another session), token-reused (two parties held one refresh token), password-changed, account-erased. */
  reason: string
  /** When it ended, milliseconds since the Unix epoch. */
  revokedAt: number
}

/** Somebody signed in: a session, and with it a family of refresh tokens, begins. */
export interface SessionStarted {
  /** The account's user; also the record's key. */
  userId: string
  /** What access tokens of the session carry as sid. */
  sessionId: string
  /** How they proved who they are: registration, password or oidc. */
  method: string
  /** Network address that they came from, as text, where it is known. Sealed under the data key that auth keeps for the person: nobody else reads it, and nobody at all once that key is deleted. */
  address: null | Buffer
  /** What their program called itself (User-Agent), UTF-8. Sealed under the data key that auth keeps for the person: nobody else reads it, and nobody at all once that key is deleted. */
  client: null | Buffer
  /** When it began, milliseconds since the Unix epoch. */
  startedAt: number
}

/** A person's own settings changed. */
export interface SettingsChanged {
  /** The person; also the record's key. */
  userId: string
  /** The settings from now on, all of them, a JSON document. Sealed under the data key that users keeps for the person, so nobody else reads it, and nobody at all once that key is deleted. */
  settings: Buffer
  /** When they changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** A track has another picture, or none. */
export interface TrackCoverChanged {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Names the picture in its address; null: there is none any more. */
  coverId: null | string
  /** When it changed, milliseconds since the Unix epoch. */
  changedAt: number
}

/** A track is gone for good, its stream and its file as soon as nobody else's needs them. */
export interface TrackDeleted {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Its owner, or a moderator. */
  deletedBy: string
  /** Milliseconds since the Unix epoch. */
  deletedAt: number
}

/** What a track says of itself was changed; the fields are what it says now. */
export interface TrackEdited {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** 1 to 200 characters. */
  title: string
  /** 0 to 4000 characters. */
  description: string
  /** 1 to 200 characters. */
  artist: null | string
  /** 1 to 50 characters. */
  genre: null | string
  /** At most 10, of 1 to 30 characters each. */
  tags: readonly (string)[]
  /** Milliseconds since the Unix epoch. */
  editedAt: number
}

/** No stream can be made of a track's file. */
export interface TrackFailed {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Stable reason, such as corrupt, too-long or internal. */
  code: string
  /** Milliseconds since the Unix epoch. */
  failedAt: number
  /** Whether the track could be heard before: it is being made anew, by another recipe, and nobody waits for it. */
  again: boolean
}

/** What the owner of a track is told of its making. */
export interface TrackNews {
  /** Who is told; also the record's key. */
  userId: string
  /** The track. */
  trackId: string
  /** processing, ready or failed. */
  status: string
  /** How far it is, 0 to 100. */
  percent: number
  /** For failed: the stable reason. */
  code: null | string
  /** Milliseconds since the Unix epoch. */
  at: number
}

/** A track becomes public by itself at a time, or does not any more. */
export interface TrackPublicationScheduled {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** When, in milliseconds since the Unix epoch; null: not by itself. */
  publishAt: null | number
  /** Milliseconds since the Unix epoch. */
  scheduledAt: number
}

/** A track's stream is stored whole and can be heard. */
export interface TrackReady {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Where the stream lies: a prefix of object keys that is derived from what is in it. */
  media: string
  /** Version of the recipe that it was made by. */
  recipe: number
  /** Length of the sound, milliseconds. */
  durationMs: number
  /** Integrated loudness of the file, LUFS; null for silence. */
  loudness: null | number
  /** Highest true peak of the file, dBTP; null for digital silence. */
  truePeak: null | number
  /** What was added to bring it to its loudness, dB. */
  gain: number
  /** Milliseconds since the Unix epoch. */
  readyAt: number
  /** Whether the track could be heard before: it is being made anew, by another recipe, and nobody waits for it. */
  again: boolean
}

/** Somebody reported a track to the moderators. */
export interface TrackReported {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Who reported it. */
  reporterId: string
  /** copyright, abuse, spam, sexual, violence or other. */
  reason: string
  /** Milliseconds since the Unix epoch. */
  reportedAt: number
}

/** A moderator looked into the reports of a track and found nothing wrong. */
export interface TrackReportsDismissed {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Who looked. */
  moderatorId: string
  /** Milliseconds since the Unix epoch. */
  dismissedAt: number
  /** What the moderator noted about it, at most 1,000 characters; empty: nothing, or version 1 wrote the record. */
  note: string
}

/** A moderator put a track back that was taken down. */
export interface TrackRestored {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Who put it back. */
  moderatorId: string
  /** Milliseconds since the Unix epoch. */
  restoredAt: number
}

/** What is counted of a track, as totals: the newest record of a key replaces those before it. Written within seconds of a change, and again after a recount. */
export interface TrackStatsChanged {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is; null: no report has told yet. */
  ownerId: null | string
  /** Version of the rule by which plays are counted. */
  ruleVersion: number
  /** Plays since the track is there. */
  plays: number
  /** Plays that are not in plays, since something is wrong with them: impossible positions, overlapping sessions, bursts from an address. */
  playsApart: number
  /** Seconds of the track that were heard, by all listeners together. */
  listenedSeconds: number
  /** The latest day (UTC) on which anything was heard, as YYYY-MM-DD. */
  day: string
  /** Plays on that day. */
  dayPlays: number
  /** Different listeners whose plays of that day count, estimated with an error of 2.3 %. Listeners can't be told apart across days, so those of several days must not be added up as people. */
  dayListeners: number
  /** When this was read from the counts, milliseconds since the Unix epoch. */
  countedAt: number
}

/** A moderator took a track down: nobody but its owner and moderators finds or hears it. */
export interface TrackTakenDown {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** Who took it down. */
  moderatorId: string
  /** copyright, abuse, spam, sexual, violence or other. */
  reason: string
  /** Milliseconds since the Unix epoch. */
  takenDownAt: number
}

/** A file was uploaded whole, looked into, and is a track now. */
export interface TrackUploaded {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** As its owner gave it, or its tags, or its file name; 1 to 200 characters. */
  title: string
  /** By the file's tags. */
  artist: null | string
  /** By the file's tags. */
  album: null | string
  /** By the file's tags. */
  genre: null | string
  /** What the file was called where it came from, without folders; empty when its client did not say. */
  filename: string
  /** SHA-256 of the file, 64 hexadecimal digits: where it is stored. */
  source: string
  /** The file's size. */
  bytes: number
  /** The demuxer that opens it, in FFmpeg's names: mp3, mov, flac, wav, aiff, ogg, aac, caf, w64. */
  format: string
  /** In FFmpeg's names: mp3, aac, flac, alac, vorbis, opus, pcm_s16le and its like. */
  codec: string
  /** Who may find and hear it: public, unlisted (whoever knows its id) or private (its owner). */
  visibility: string
  /** When its last byte arrived, milliseconds since the Unix epoch. */
  uploadedAt: number
}

/** Who may find and hear a track was changed. */
export interface TrackVisibilityChanged {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** public, unlisted or private. */
  visibility: string
  /** Milliseconds since the Unix epoch. */
  changedAt: number
}

/** How far the making of a track's stream has come. A sample, not a history: some are lost. */
export interface TranscodeProgressed {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** 0 to 99. The end is told by tracks.events.v1. */
  percent: number
  /** From 1; a later attempt starts at 0 again. */
  attempt: number
  /** Milliseconds since the Unix epoch. */
  at: number
}

/** A stream is to be made of a track's file. It has exactly one outcome: TrackReady or TrackFailed, or none when the track is deleted first. */
export interface TranscodeRequested {
  /** The track; also the record's key. */
  trackId: string
  /** Whose track it is. */
  ownerId: string
  /** SHA-256 of the file, 64 hexadecimal digits. */
  source: string
  /** Version of the recipe that it is made by. */
  recipe: number
  /** upload: somebody waits for it; catalogue: made again by a newer recipe. */
  priority: string
  /** Milliseconds since the Unix epoch. */
  requestedAt: number
}

/** A member is writing in a room. A signal: kept for minutes, stored nowhere, dropped first where a connection is slow. */
export interface TypingStarted {
  /** Room; also the record's key. */
  roomId: string
  /** The member. */
  userId: string
  /** When the edge heard of it, milliseconds since the Unix epoch. */
  sentAt: number
}

/** Somebody blocked a person: neither finds or follows the other. */
export interface UserBlocked {
  /** Who blocks. The record's key is the smaller of the two ids. */
  blockerId: string
  /** Whom. */
  blockedId: string
  /** When, milliseconds since the Unix epoch. */
  blockedAt: number
}

/** A person is forgotten: their data key is deleted, and every context deletes what it has of them. */
export interface UserErased {
  /** The person; also the record's key. */
  userId: string
  /** When it was done, milliseconds since the Unix epoch. */
  erasedAt: number
}

/** Something that one user is told of: what waits for them, and what became of it. Stored before it is here, densely numbered per user. */
export interface UserNotified {
  /** Who is told; also the record's key. */
  userId: string
  /** Of the user's numbering. Offsets of another epoch say nothing in this one. */
  epoch: string
  /** Its place among all that the user was told, from 1, without gaps. */
  offset: number
  /** mention, mention.withdrawn, direct-message, invitation, invitation.withdrawn, room.joined, room.left or read. */
  type: string
  /** The room that it is about. */
  roomId: string
  /** Offset of the room's event that brought it about, if one did: to be shown before this. */
  roomOffset: null | number
  /** The message that it is about. */
  messageId: null | string
  /** That message's number; for read, the last message that the user has read. */
  messageNumber: null | number
  /** Who brought it about. */
  senderId: string
  /** What the user has yet to read of the room; null when they are not in it. */
  unreadMessages: null | number
  /** Mentions of the user in those messages; null when they are not in the room. */
  unreadMentions: null | number
  /** Mentions of the user that wait, in all rooms. */
  mentions: number
  /** Unread messages of their direct rooms. */
  directMessages: number
  /** Invitations that wait for their answer. */
  invitations: number
  /** When it happened, milliseconds since the Unix epoch. */
  at: number
}

/** Somebody has an account. */
export interface UserRegistered {
  /** The account's user; also the record's key. */
  userId: string
  /** Empty since version 2. Version 1 had the name here, in the clear. */
  displayName: string
  /** The name as it was given at registration, 1 to 80 characters, UTF-8. Sealed like the e-mail address. null: version 1 wrote the record. The name that others see is users' to tell. */
  sealedName: null | Buffer
  /** E-mail address in normal form, UTF-8. Sealed under the data key that auth keeps for the person: nobody else reads it, and nobody at all once that key is deleted. */
  email: Buffer
  /** Whether it is known from the start that the person reads mail at this address. */
  emailVerified: boolean
  /** How the account came to be: password, oidc (an outside provider) or import (from a former platform). */
  method: string
  /** What the former platform called the account, for method import. */
  formerId: null | string
  /** When the account came to be; on the former platform, for method import, milliseconds since the Unix epoch. */
  registeredAt: number
}

/** Somebody took a block back. */
export interface UserUnblocked {
  /** Who had blocked. The record's key is the smaller of the two ids. */
  blockerId: string
  /** Whom. */
  blockedId: string
  /** When, milliseconds since the Unix epoch. */
  unblockedAt: number
}

/** The words were changed that no message of a room may hold. Room id 0: of every room. */
export interface WordsBlocked {
  /** The room; also the record's key. */
  roomId: string
  /** Who brought it about. */
  actorId: string
  /** All of them, in lower case. */
  words: readonly (string)[]
  /** When it was decided, milliseconds since the Unix epoch. */
  happenedAt: number
}

/** Every record that a topic can carry, by name. */
export interface Records {
  AccountErased: AccountErased
  AddReaction: AddReaction
  AvatarChanged: AvatarChanged
  BanLifted: BanLifted
  CommandRefused: CommandRefused
  DataExportRequested: DataExportRequested
  DeadLetterRedriven: DeadLetterRedriven
  DeleteMessage: DeleteMessage
  DisconnectRequested: DisconnectRequested
  EdgeSeen: EdgeSeen
  EditMessage: EditMessage
  EmailVerified: EmailVerified
  EntityChanged: EntityChanged
  EraseContribution: EraseContribution
  ErasureCancelled: ErasureCancelled
  ErasureRequested: ErasureRequested
  FollowEnded: FollowEnded
  FollowRequested: FollowRequested
  FollowStarted: FollowStarted
  IdentityLinked: IdentityLinked
  InvalidatorSeen: InvalidatorSeen
  InvitationWithdrawn: InvitationWithdrawn
  ListeningReported: ListeningReported
  MemberBanned: MemberBanned
  MemberInvited: MemberInvited
  MemberJoined: MemberJoined
  MemberLeft: MemberLeft
  MemberMuted: MemberMuted
  MemberRoleChanged: MemberRoleChanged
  MessageDeleted: MessageDeleted
  MessageEdited: MessageEdited
  MessagePosted: MessagePosted
  MessageReported: MessageReported
  MessageReportsDismissed: MessageReportsDismissed
  PasswordChanged: PasswordChanged
  PlaylistCreated: PlaylistCreated
  PlaylistDeleted: PlaylistDeleted
  PlaylistEdited: PlaylistEdited
  PlaylistTracksChanged: PlaylistTracksChanged
  PostMessage: PostMessage
  PresenceChanged: PresenceChanged
  PrivacyChanged: PrivacyChanged
  PrivateProfileUpdated: PrivateProfileUpdated
  ProfileCreated: ProfileCreated
  ProfileUpdated: ProfileUpdated
  ReactionAdded: ReactionAdded
  ReactionRemoved: ReactionRemoved
  RemoveReaction: RemoveReaction
  RolesChanged: RolesChanged
  RoomCreated: RoomCreated
  RoomSettingsChanged: RoomSettingsChanged
  SessionRevoked: SessionRevoked
  SessionStarted: SessionStarted
  SettingsChanged: SettingsChanged
  TrackCoverChanged: TrackCoverChanged
  TrackDeleted: TrackDeleted
  TrackEdited: TrackEdited
  TrackFailed: TrackFailed
  TrackNews: TrackNews
  TrackPublicationScheduled: TrackPublicationScheduled
  TrackReady: TrackReady
  TrackReported: TrackReported
  TrackReportsDismissed: TrackReportsDismissed
  TrackRestored: TrackRestored
  TrackStatsChanged: TrackStatsChanged
  TrackTakenDown: TrackTakenDown
  TrackUploaded: TrackUploaded
  TrackVisibilityChanged: TrackVisibilityChanged
  TranscodeProgressed: TranscodeProgressed
  TranscodeRequested: TranscodeRequested
  TypingStarted: TypingStarted
  UserBlocked: UserBlocked
  UserErased: UserErased
  UserNotified: UserNotified
  UserRegistered: UserRegistered
  UserUnblocked: UserUnblocked
  WordsBlocked: WordsBlocked
}
