import { deadLetterTopic, topics } from '@veza/contracts'
import { Rejection } from './rejection.ts'

const groups = Object.values(topics).flatMap(({ name, writers: [group = ''] }) =>
  name === deadLetterTopic(group) ? [group] : [],
)

/** The consumer groups that lay aside what they can't handle, each with its topic. */
export const deadLetterTopics: ReadonlyMap<string, string> = new Map(
  groups.toSorted().map((group) => [group, deadLetterTopic(group)]),
)

/** Where a dead letter lies: in the dead-letter topic of the consumer group that could not handle it. */
export interface DeadLetterPlace {
  readonly group: string
  readonly partition: number
  readonly offset: number
}

/** What happened to a dead letter: it was written once more to the topic that it came from. */
export interface DeadLetterEvent extends DeadLetterPlace {
  readonly type: 'redriven'
  readonly topic: string
  /** Its ce_id; null: it has none. */
  readonly eventId: string | null
  /** A user id, or `operator`. */
  readonly redrivenBy: string
  readonly at: Date
}

export type DeadLetterState = 'waiting' | 'redriven'

/** Pure: the state after an event. */
export const evolveDeadLetter = (): DeadLetterState => 'redriven'

/** Pure. Throws Rejection `already-redriven`: what failed again since is another dead letter. */
export const decideRedrive = (
  command: Omit<DeadLetterEvent, 'type'>,
  state: DeadLetterState,
): DeadLetterEvent[] => {
  if (state === 'redriven') throw new Rejection('already-redriven')
  return [{ type: 'redriven', ...command }]
}
