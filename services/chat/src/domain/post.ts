import { checkPost, type PostProblem } from '@veza/contracts'

/** A command to post, named by its outcome's id (`messageIdOf`). */
export interface Post {
  readonly messageId: string
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  readonly body: string
}

/** How far a room's numbering has come. */
export interface RoomHead {
  readonly epoch: string
  /** Of the room's last event, 0 = none yet. */
  readonly offset: number
  /** Posts so far. */
  readonly messageNumber: number
}

export interface Posted extends Post {
  readonly type: 'posted'
  readonly epoch: string
  readonly offset: number
  readonly messageNumber: number
  readonly postedAt: Date
}

/** The command itself is no post (`PostProblem`: an edge let it through), or its room or sender forbid it. */
export type RefusalCode = PostProblem | 'room-not-found' | 'not-a-member'

export interface Refused {
  readonly type: 'refused'
  readonly messageId: string
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  readonly code: RefusalCode
  readonly refusedAt: Date
}

export type Outcome = Posted | Refused

/** Pure: the outcome of a command that has none yet. `head` is undefined when there is no such room. */
export const decide = (post: Post, head: RoomHead | undefined, isMember: boolean, now: Date): Outcome => {
  const { messageId, roomId, senderId, clientMessageId } = post
  const refuse = (code: RefusalCode): Refused => ({
    type: 'refused',
    messageId,
    roomId,
    senderId,
    clientMessageId,
    code,
    refusedAt: now,
  })
  const content = checkPost(post)
  if ('code' in content) return refuse(content.code)
  if (head === undefined) return refuse('room-not-found')
  if (!isMember) return refuse('not-a-member')
  return {
    type: 'posted',
    messageId,
    roomId,
    senderId,
    clientMessageId,
    body: content.body,
    epoch: head.epoch,
    offset: head.offset + 1,
    messageNumber: head.messageNumber + 1,
    postedAt: now,
  }
}

export const evolve = (head: RoomHead, { offset, messageNumber }: Posted): RoomHead => ({
  epoch: head.epoch,
  offset,
  messageNumber,
})

/** What is stored about the rooms, senders and commands of a chunk. */
export interface StoredState {
  /** By room id. */
  readonly heads: ReadonlyMap<string, RoomHead>
  readonly isMember: (roomId: string, userId: string) => boolean
  /** By message id. */
  readonly outcomes: ReadonlyMap<string, Outcome>
}

export interface Settlement {
  /** One a post, in the order of the posts; the same object for the same command. */
  readonly outcomes: Outcome[]
  readonly posted: Posted[]
  readonly refused: Refused[]
  /** New heads of the rooms that grew. */
  readonly heads: Map<string, RoomHead>
}

/** Pure: decides a chunk in order. A command that is stored, or came earlier in the chunk, keeps its outcome. */
export const settle = (posts: readonly Post[], stored: StoredState, now: Date): Settlement => {
  const decided = new Map<string, Outcome>()
  const heads = new Map<string, RoomHead>()
  const posted: Posted[] = []
  const refused: Refused[] = []

  const decideNew = (post: Post): Outcome => {
    const head = heads.get(post.roomId) ?? stored.heads.get(post.roomId)
    const outcome = decide(post, head, stored.isMember(post.roomId, post.senderId), now)
    if (outcome.type === 'refused') refused.push(outcome)
    else {
      posted.push(outcome)
      if (head !== undefined) heads.set(post.roomId, evolve(head, outcome))
    }
    return outcome
  }

  const outcomes = posts.map((post) => {
    const outcome = stored.outcomes.get(post.messageId) ?? decided.get(post.messageId) ?? decideNew(post)
    decided.set(post.messageId, outcome)
    return outcome
  })
  return { outcomes, posted, refused, heads }
}
