import { chatEvent, commandRefused, type Outcome } from '@veza/chat/store'
import { type Codec, type CommandRefused, eventTime, toHeaders, topics } from '@veza/contracts'
import { type OutgoingRecord } from '@veza/kit/kafka'

const source = '/chat-fanout'

/** The record that tells a command's sender that it was refused. `id` is the same whenever it is told. */
export const refusalRecord = (
  codec: Codec,
  id: string,
  refusal: CommandRefused,
  traceparent: string | undefined,
): OutgoingRecord => ({
  topic: topics.notifications.name,
  key: refusal.userId,
  value: codec.encode(topics.notifications, 'CommandRefused', refusal),
  headers: toHeaders({ id, type: 'CommandRefused', source, time: refusal.refusedAt, traceparent }),
})

/** The record that tells a command's outcome: to the room, or to its sender. */
export const outcomeRecord = (
  codec: Codec,
  outcome: Outcome,
  traceparent: string | undefined,
): OutgoingRecord => {
  if (outcome.type === 'refused')
    return refusalRecord(codec, outcome.eventId, commandRefused(outcome), traceparent)
  const event = chatEvent(outcome)
  const { type, value } = event
  return {
    topic: topics.chatEvents.name,
    key: value.roomId,
    value: codec.encode(topics.chatEvents, type, value),
    headers: toHeaders({ id: outcome.eventId, type, source, time: eventTime(event), traceparent }),
  }
}
