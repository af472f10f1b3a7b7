import { type DeadLetter, readDeadLetters } from '@veza/kit/dead-letters'
import { type Kafka } from '@veza/kit/kafka'
import { type Kysely } from 'kysely'
import { redrivenAmong, type Redriven } from '../adapters/redriven.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { deadLetterStream } from '../adapters/streams.ts'

/** A dead letter, and what became of it. */
export type KnownDeadLetter = DeadLetter & { readonly redriven: Redriven | undefined }

/** The newest dead letters of these groups, newest first; of each partition `limit` are looked at. */
export const readKnownDeadLetters =
  ({ db, kafka }: { db: Kysely<AuthDatabase>; kafka: Kafka }) =>
  async (groups: readonly string[], limit: number): Promise<KnownDeadLetter[]> => {
    const letters = (await readDeadLetters(kafka, groups, limit)).slice(0, limit)
    const known = await redrivenAmong(db, letters.map(deadLetterStream))
    return letters.map((letter) => ({ ...letter, redriven: known.get(deadLetterStream(letter)) }))
  }
