import { type MessageEvent } from './event.ts'
import { type Command, type ReactionState } from './message.ts'

export interface Reaction {
  readonly messageId: string
  readonly reaction: string
  readonly userId: string
}

/** The reactions to some messages, so far as a chunk's commands need them. */
export interface Reactions {
  /** People by reaction, by message id; only reactions that somebody has. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Whether one has it, for the triples that were asked for. */
  readonly has: (reaction: Reaction) => boolean
}

/** How a reaction stands after the chunk: whether the person has it, and how many people do. */
export interface ReactionChange extends Reaction {
  readonly present: boolean
  readonly count: number
}

export const noReactions: Reactions = { counts: new Map(), has: () => false }

/** The reaction that a command is about. */
export const reactionOf = ({ senderId, content }: Command): Reaction | undefined =>
  'reaction' in content
    ? { messageId: content.messageId, reaction: content.reaction, userId: senderId }
    : undefined

/** Ids have one length, so the three can't run into each other. */
export const reactionKey = ({ messageId, userId, reaction }: Reaction) => messageId + userId + reaction

/** Follows the reactions through a chunk. */
export const trackReactions = (stored: Reactions) => {
  const changes = new Map<string, ReactionChange>()
  const counts = new Map<string, Map<string, number>>()

  const countsOf = (messageId: string): Map<string, number> => {
    let known = counts.get(messageId)
    if (known === undefined) {
      known = new Map(stored.counts.get(messageId))
      counts.set(messageId, known)
    }
    return known
  }

  return {
    of(command: Command): ReactionState | undefined {
      const reaction = reactionOf(command)
      if (reaction === undefined) return undefined
      const known = countsOf(reaction.messageId)
      return {
        count: known.get(reaction.reaction) ?? 0,
        isMine: changes.get(reactionKey(reaction))?.present ?? stored.has(reaction),
        kinds: known.size,
      }
    },

    apply(event: MessageEvent): void {
      if (event.type !== 'reaction-added' && event.type !== 'reaction-removed') return
      const { messageId, reaction, senderId: userId, count } = event
      const known = countsOf(messageId)
      if (count === 0) known.delete(reaction)
      else known.set(reaction, count)
      changes.set(reactionKey({ messageId, reaction, userId }), {
        messageId,
        reaction,
        userId,
        present: event.type === 'reaction-added',
        count,
      })
    },

    changes: (): readonly ReactionChange[] =>
      Array.from(changes.values(), (change) => ({
        ...change,
        count: counts.get(change.messageId)?.get(change.reaction) ?? 0,
      })),
  }
}
