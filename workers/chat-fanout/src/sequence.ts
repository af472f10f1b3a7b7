import { type Meter } from '@opentelemetry/api'
import { type Command, type Outcome as Settled, type RoomLog } from '@veza/chat/store'
import { type Codec, type topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { dead, done, type HandleChunk, type Message, type Outcome } from '@veza/kit/worker'
import { toCommand } from './command.ts'
import { outcomeRecord } from './records.ts'

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
      const label = outcome.type === 'refused' ? outcome.code : outcome.type
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    for (const [outcome, n] of counts) counter.add(n, { outcome })
  }

  return async function sequence(
    messages: readonly Message<typeof topics.chatCommands>[],
  ): Promise<Outcome[]> {
    const commands: Command[] = []
    const traceparents: (string | undefined)[] = []
    const results = messages.map((message) => {
      const command = toCommand(message)
      if (command === undefined) return dead('room or sender is not a lower-case UUID')
      commands.push(command)
      traceparents.push(message.traceparent)
      return done
    })
    const outcomes = await deps.log.settle(commands)
    await deps.producer.sendAll(
      outcomes.map((outcome, index) => outcomeRecord(deps.codec, outcome, traceparents[index])),
    )
    count(outcomes)
    return results
  }
}
