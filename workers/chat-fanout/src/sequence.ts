import { type Meter } from '@opentelemetry/api'
import { messageIdOf, type Outcome as Settled, type Post, type RoomLog } from '@veza/chat/store'
import { type Codec, type PostMessage, type topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { dead, done, type HandleChunk, type Message, type Outcome } from '@veza/kit/worker'
import { outcomeRecord } from './records.ts'

type Command = Message<typeof topics.chatCommands>

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** undefined: the edges write lower-case UUIDs only, and other ids have no place in the store. */
const toPost = ({ roomId, senderId, clientMessageId, body }: PostMessage): Post | undefined =>
  uuid.test(roomId) && uuid.test(senderId)
    ? { messageId: messageIdOf(roomId, senderId, clientMessageId), roomId, senderId, clientMessageId, body }
    : undefined

/**
 * A chunk of commands: one transaction that gives each its one outcome, then the outcomes to their topics, and only
 * then `done`. Whatever fails is thrown, and the chunk comes again: what is stored keeps its numbers and is told again,
 * in the same bytes.
 */
export const sequence = (deps: {
  log: RoomLog
  codec: Codec
  producer: Producer
  meter: Meter
}): HandleChunk<typeof topics.chatCommands> => {
  const counter = deps.meter.createCounter('chat_commands_settled', {
    description: 'Commands that have an outcome, repetitions included',
  })
  const count = (outcomes: readonly Settled[]) => {
    const counts = new Map<string, number>()
    for (const outcome of outcomes) {
      const label = outcome.type === 'posted' ? 'posted' : outcome.code
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    for (const [outcome, n] of counts) counter.add(n, { outcome })
  }

  return async function sequence(messages: readonly Command[]): Promise<Outcome[]> {
    const posts: Post[] = []
    const traceparents: (string | undefined)[] = []
    const results = messages.map((message) => {
      const post = toPost(message.value)
      if (post === undefined) return dead('room or sender is not a lower-case UUID')
      posts.push(post)
      traceparents.push(message.traceparent)
      return done
    })
    const outcomes = await deps.log.settle(posts)
    await deps.producer.sendAll(
      outcomes.map((outcome, index) => outcomeRecord(deps.codec, outcome, traceparents[index])),
    )
    count(outcomes)
    return results
  }
}
