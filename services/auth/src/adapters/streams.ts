import { type Aggregate, aggregate, beginAnew, type EventStore } from '@veza/kit/events'
import { type Kysely, type Transaction } from 'kysely'
import { type Account, type AccountEvent, evolveAccount, noAccount } from '../domain/account.ts'
import {
  type DeadLetterEvent,
  type DeadLetterPlace,
  type DeadLetterState,
  evolveDeadLetter,
} from '../domain/dead-letter.ts'
import { evolveSession, type Session, type SessionEvent } from '../domain/session.ts'
import { type AuthDatabase } from './database.ts'
import {
  accountEvents,
  accountRecord,
  type authTopic,
  deadLetterEvents,
  deadLetterRecord,
  sessionEvents,
  sessionRecord,
} from './publish.ts'

type Store = EventStore<typeof authTopic>

/** The streams of auth. */
export interface Streams {
  readonly store: Store
  readonly accounts: Aggregate<typeof authTopic, Account, AccountEvent>
  readonly sessions: Aggregate<typeof authTopic, Session, SessionEvent>
  readonly deadLetters: Aggregate<typeof authTopic, DeadLetterState, DeadLetterEvent>
}

export const accountStream = (userId: string): string => `account-${userId}`
export const sessionStream = (sessionId: string): string => `session-${sessionId}`

export const deadLetterStream = ({ group, partition, offset }: DeadLetterPlace): string =>
  `dead-letter-${group}.${partition}.${offset}`

export const openStreams = (store: Store): Streams => ({
  store,
  accounts: aggregate({
    store,
    initial: noAccount,
    evolve: evolveAccount,
    read: accountEvents,
    write: (events: readonly AccountEvent[]) => events.map(accountRecord),
  }),
  sessions: aggregate({
    store,
    initial: 'none',
    evolve: evolveSession,
    read: sessionEvents,
    write: (events: readonly SessionEvent[]) => events.map(sessionRecord),
  }),
  deadLetters: aggregate({
    store,
    initial: 'waiting',
    evolve: evolveDeadLetter,
    read: deadLetterEvents,
    write: (events: readonly DeadLetterEvent[]) => events.map(deadLetterRecord),
  }),
})

/** A transaction over several streams; as often as five times, when others are at the same streams. */
export const overStreams = <T>(
  db: Kysely<AuthDatabase>,
  work: (trx: Transaction<AuthDatabase>) => Promise<T>,
): Promise<T> => beginAnew(5, () => db.transaction().execute(work))
