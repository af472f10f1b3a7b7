import { findDeadLetter, redriven } from '@veza/kit/dead-letters'
import { type EventMetadata } from '@veza/kit/events'
import { type Kafka, type Producer } from '@veza/kit/kafka'
import { type DeadLetterPlace, decideRedrive } from '../domain/dead-letter.ts'
import { Rejection } from '../domain/rejection.ts'
import { deadLetterStream } from '../adapters/streams.ts'
import { type AuthDeps, type SignedInCaller } from './deps.ts'
import { actingAs } from './session.ts'

/** How records are read and written. */
export interface Road {
  readonly kafka: Kafka
  readonly producer: Pick<Producer, 'send'>
}

type Deps = Pick<AuthDeps, 'db' | 'streams' | 'now'> & Road

const redrive = async (
  { db, streams, now, kafka, producer }: Deps,
  place: DeadLetterPlace,
  redrivenBy: string,
  metadata: EventMetadata,
): Promise<void> => {
  const stream = deadLetterStream(place)
  const { state } = await streams.deadLetters.load(db, stream)
  if (state === 'redriven') throw new Rejection('already-redriven')
  const letter = await findDeadLetter(kafka, place)
  if (letter === undefined) throw new Rejection('no-such-dead-letter')
  // First, since what is only noted would be lost. Written twice it is one event to whoever reads it: its ce_id is the same.
  await producer.send(redriven(letter))
  const { group, partition, offset } = place
  const said = { topic: letter.source.topic, eventId: letter.eventId ?? null, redrivenBy, at: now() }
  await streams.deadLetters.execute(db, {
    ...{ stream, key: group, metadata },
    decide: (current) => decideRedrive({ group, partition, offset, ...said }, current),
  })
}

/**
 * Writes a dead letter once more to the topic that it came from, on an administrator's word, and notes that.
 * Rejects Rejection `no-such-dead-letter` and `already-redriven`.
 */
export const redriveDeadLetter =
  (deps: Deps & Pick<AuthDeps, 'personal'>) =>
  async (place: DeadLetterPlace, caller: SignedInCaller): Promise<void> =>
    redrive(deps, place, caller.userId, await actingAs(deps, caller.userId, caller))

/** The same on an operator's word. */
export const redriveAsOperator =
  (deps: Deps) =>
  (place: DeadLetterPlace): Promise<void> =>
    redrive(deps, place, 'operator', { actor: 'operator' })
