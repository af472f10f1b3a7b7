import { LRUCache } from 'lru-cache'
import { type Access, type ChatApi, type Pair, maxPairs } from './chat-api.ts'

export interface MembershipOptions {
  readonly chat: Pick<ChatApi, 'access'>
  /** Members that are remembered. */
  readonly maxEntries: number
  /** How long an answer is good for. */
  readonly freshMs: number
  /** How long one is good enough to publish with, while a newer is asked for: chat decides on every post anyway. */
  readonly staleMs: number
  readonly now: () => number
}

/**
 * Who is a member of what, as chat has it. Only members are remembered, so that somebody who has just joined is not
 * turned away.
 */
export interface Membership {
  /** Whether an answer no older than freshMs says that the user is a member. */
  isMember(roomId: string, userId: string): boolean
  /** The same for publishing: takes an answer up to staleMs old, and has an old one renewed. */
  mayPublish(roomId: string, userId: string): boolean
  /**
   * Asks chat, in a request that is sent after this call: what it says of the room is no older either. Calls made
   * while a request is under way go together in the next one. Rejects when chat can't be asked.
   */
  ask(roomId: string, userId: string): Promise<Access>
  /** The user has left: the next question goes to chat, and one whose answer may be older is asked again. */
  forget(roomId: string, userId: string): void
}

interface Question extends Pair {
  readonly answers: ((access: Access) => void)[]
  readonly failures: ((error: unknown) => void)[]
}

// Nobody waits for a renewal, and one request for many costs chat what one for few does: with ten thousand people who
// write now and then, almost every post would be one.
const renewAfterMs = 250

/** @returns nothing remembered yet */
export const createMembership = (options: MembershipOptions): Membership => {
  const { chat, maxEntries, freshMs, staleMs, now } = options
  const members = new LRUCache<string, number>({ max: maxEntries })
  const questions = new Map<string, Question>()
  /** Of those whose answers are on their way, who left meanwhile. */
  const left = new Set<string>()
  let asking = false

  const keyOf = (roomId: string, userId: string): string => roomId + userId

  const askAgain = (key: string, { answers, failures, ...pair }: Question): void => {
    const question = questions.get(key) ?? { ...pair, answers: [], failures: [] }
    question.answers.push(...answers)
    question.failures.push(...failures)
    questions.set(key, question)
  }

  const settle = async (batch: readonly Question[]): Promise<void> => {
    try {
      const results = await chat.access(batch.map(({ roomId, userId }) => ({ roomId, userId })))
      const at = now()
      for (const [index, question] of batch.entries()) {
        const result = results[index]
        if (result === undefined) throw new Error('chat left a pair out')
        const key = keyOf(question.roomId, question.userId)
        if (left.has(key)) {
          askAgain(key, question)
          continue
        }
        if (result.role === null) members.delete(key)
        else members.set(key, at)
        for (const answer of question.answers) answer(result)
      }
    } catch (error) {
      for (const { failures } of batch) for (const fail of failures) fail(error)
    }
  }

  const run = async (): Promise<void> => {
    while (questions.size > 0) {
      left.clear()
      const batch = [...questions].slice(0, maxPairs)
      for (const [key] of batch) questions.delete(key)
      await settle(batch.map(([, question]) => question))
    }
    asking = false
  }

  const ask = (roomId: string, userId: string): Promise<Access> =>
    new Promise((resolve, reject) => {
      const key = keyOf(roomId, userId)
      let question = questions.get(key)
      if (question === undefined) {
        question = { roomId, userId, answers: [], failures: [] }
        questions.set(key, question)
      }
      question.answers.push(resolve)
      question.failures.push(reject)
      if (asking) return
      asking = true
      // What else is asked for in this tick goes with it.
      queueMicrotask(() => void run())
    })

  const stale = new Map<string, Pair>()
  const renew = (): void => {
    // Not renewed while chat is away: it stays as old as it is.
    for (const { roomId, userId } of stale.values()) ask(roomId, userId).catch(() => undefined)
    stale.clear()
  }

  return {
    isMember(roomId, userId) {
      const at = members.get(keyOf(roomId, userId))
      return at !== undefined && now() - at <= freshMs
    },

    mayPublish(roomId, userId) {
      const key = keyOf(roomId, userId)
      const at = members.get(key)
      if (at === undefined || now() - at > staleMs) return false
      if (now() - at > freshMs && !stale.has(key)) {
        if (stale.size === 0) setTimeout(renew, renewAfterMs).unref()
        stale.set(key, { roomId, userId })
      }
      return true
    },

    ask,
    forget(roomId, userId) {
      members.delete(keyOf(roomId, userId))
      if (asking) left.add(keyOf(roomId, userId))
    },
  }
}
