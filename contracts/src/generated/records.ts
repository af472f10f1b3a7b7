// Generated from contracts/schemas by contracts/src/generate.ts. Change the schemas, not this file.

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
  /** Text, 1 to 4000 Unicode code points. */
  body: string
  /** When it was numbered, milliseconds since the Unix epoch. */
  postedAt: number
  /** Dense number among the room's messages alone, from 1; 0 when written before messages were counted. */
  messageNumber: number
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
}

/** Every record that a topic can carry, by name. */
export interface Records {
  CommandRefused: CommandRefused
  MessagePosted: MessagePosted
  PostMessage: PostMessage
}
