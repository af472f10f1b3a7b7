import { type Topic } from '@veza/contracts'
import { type Handle, type HandleChunk, type Message, type Outcome } from './types.ts'

/**
 * Partitions side by side, the messages of each one after the other. When one fails, its partition stops there, and the
 * next attempt goes on from it: what is done is not handled again while the process lives.
 */
export function handleEach<T extends Topic>(handle: Handle<T>): HandleChunk<T> {
  const settled = new WeakMap<object, Outcome>()
  return async (messages, control) => {
    const partitions = new Map<string, Message<T>[]>()
    for (const message of messages) {
      const { topic, partition } = message.record
      const key = `${topic}/${partition}`
      const known = partitions.get(key)
      if (known) known.push(message)
      else partitions.set(key, [message])
    }
    const results = await Promise.allSettled(
      Array.from(partitions.values(), async (ofPartition) => {
        for (const message of ofPartition) {
          if (settled.has(message.record)) continue
          control.signal.throwIfAborted()
          settled.set(message.record, await handle(message, control))
        }
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    return messages.flatMap(({ record }) => settled.get(record) ?? [])
  }
}
