import { type NotificationType } from '@veza/contracts'

/** Something that one user is told of. */
export interface Notice {
  readonly userId: string
  /** Of the event that brought it about: a user is told once of each. */
  readonly sourceId: string
  readonly type: NotificationType
  readonly roomId: string
  /** The place of that event in the room, where it has one. */
  readonly roomOffset: number | null
  readonly messageId: string | null
  /** Of that message; of `read`, the last one that is read. */
  readonly messageNumber: number | null
  /** Who brought it about. */
  readonly senderId: string
  readonly at: Date
}

interface Happened {
  /** The event's id (`ce_id`). */
  readonly sourceId: string
  readonly roomId: string
  readonly at: Date
}

interface AboutMessage extends Happened {
  readonly roomOffset: number
  readonly messageId: string
  readonly senderId: string
}

/** What happened in a room, or to it, as far as single users are to be told. */
export type Happening =
  | (AboutMessage & {
      readonly type: 'posted'
      readonly messageNumber: number
      readonly mentions: readonly string[]
    })
  | (AboutMessage & { readonly type: 'edited'; readonly mentions: readonly string[] })
  | (AboutMessage & { readonly type: 'deleted' })
  | (Happened & {
      readonly type: 'room.joined' | 'room.left' | 'invitation' | 'invitation.withdrawn'
      readonly userId: string
      readonly actorId: string
    })

/** Message numbers by the users whom a message mentions. */
type Mentioned = ReadonlyMap<string, number>

/** Who is concerned, as the store has it now: perhaps later than what happened. */
export interface Audience {
  /** The two people of a direct room; nobody of another. */
  readonly peersOf: (roomId: string) => readonly string[]
  readonly mentionedIn: (messageId: string) => Mentioned
  /** Those who were told that a message mentions them, and not since that it does no more. */
  readonly toldOf: (messageId: string) => Mentioned
  readonly isInvited: (roomId: string, userId: string) => boolean
}

const nobody: Mentioned = new Map()

const aboutMentions = (
  happening: Extract<Happening, AboutMessage>,
  { mentionedIn, toldOf }: Audience,
): Notice[] => {
  const { sourceId, roomId, roomOffset, messageId, senderId, at } = happening
  const common = { sourceId, roomId, roomOffset, messageId, senderId, at }
  const told = toldOf(messageId)
  const mentioned = happening.type === 'deleted' ? nobody : mentionedIn(messageId)
  const names = happening.type === 'deleted' ? [] : happening.mentions
  const added = names.flatMap((userId): Notice[] => {
    const messageNumber = mentioned.get(userId)
    return messageNumber === undefined || told.has(userId)
      ? []
      : [{ ...common, userId, messageNumber, type: 'mention' }]
  })
  const withdrawn = Array.from(told, ([userId, messageNumber]): Notice[] =>
    mentioned.has(userId) ? [] : [{ ...common, userId, messageNumber, type: 'mention.withdrawn' }],
  )
  return [...added, ...withdrawn.flat()]
}

/**
 * Pure: who is to be told of what. In a direct room a message is told once to each of the two, whether or not it mentions
 * them; the writer's other devices learn of it so.
 */
export const noticesOf = (happening: Happening, audience: Audience): Notice[] => {
  switch (happening.type) {
    case 'posted': {
      const peers = audience.peersOf(happening.roomId)
      if (peers.length === 0) return aboutMentions(happening, audience)
      const { sourceId, roomId, roomOffset, messageId, messageNumber, senderId, at } = happening
      const message = { sourceId, roomId, roomOffset, messageId, messageNumber, senderId, at }
      return peers.map((userId) => ({ ...message, userId, type: 'direct-message' }))
    }
    case 'edited':
    case 'deleted':
      return audience.peersOf(happening.roomId).length === 0 ? aboutMentions(happening, audience) : []
    case 'room.joined':
    case 'room.left':
    case 'invitation':
    case 'invitation.withdrawn': {
      const { type, sourceId, roomId, userId, actorId: senderId, at } = happening
      if (type === 'invitation' && !audience.isInvited(roomId, userId)) return []
      const about = { roomOffset: null, messageId: null, messageNumber: null }
      return [{ type, sourceId, roomId, userId, senderId, at, ...about }]
    }
    default:
      return happening satisfies never
  }
}
