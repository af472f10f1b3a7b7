import { type Aggregate, aggregate, type EventStore } from '@veza/kit/events'
import { evolvePair, type Pair, type PairEvent, pairOf, strangers } from '../domain/pair.ts'
import { evolve, unknownUser, type User, type UserEvent } from '../domain/user.ts'
import { type PersonalData } from './personal-data.ts'
import {
  pairEvent,
  pairRecord,
  unopenedUserEvents,
  userEvents,
  userRecords,
  type usersTopic,
} from './publish.ts'

type Topic = typeof usersTopic

export const userStream = (userId: string): string => `user-${userId}`

/** Both ways the same. */
export const pairStream = (one: string, other: string): string => `pair-${pairOf(one, other).join('.')}`

/** The streams of users: one a person, and one two people between whom anything ever was. */
export interface Streams {
  readonly store: EventStore<Topic>
  user(userId: string): Aggregate<Topic, User, UserEvent>
  /** What a person is and allows. The documents about them are not opened, and blank. */
  readonly standing: Aggregate<Topic, User, UserEvent>
  readonly pairs: Aggregate<Topic, Pair, PairEvent>
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined

export const openStreams = (store: EventStore<Topic>, personal: PersonalData): Streams => ({
  store,
  user: (userId) =>
    aggregate({
      store,
      initial: unknownUser,
      evolve,
      async read(stored) {
        const seen = stored.map((record) => ({ record, version: record.version }))
        return (await userEvents(personal, seen)).filter(isThere)
      },
      write: userRecords(personal, userId),
    }),
  standing: aggregate({
    store,
    initial: unknownUser,
    evolve,
    read: unopenedUserEvents,
    write: () => {
      throw new Error('standing is for reading')
    },
  }),
  pairs: aggregate({
    store,
    initial: strangers,
    evolve: evolvePair,
    read: (records) => records.map(pairEvent).filter(isThere),
    write: (events: readonly PairEvent[]) => events.map(pairRecord),
  }),
})

const tellingAggregate = <State, Event>(
  aggregate: Aggregate<Topic, State, Event>,
  changed: (stream: string, version: number) => void,
): Aggregate<Topic, State, Event> => ({
  ...aggregate,
  async execute(db, execution) {
    const executed = await aggregate.execute(db, execution)
    changed(execution.stream, executed.version)
    return executed
  },
})

/** The same streams; whoever may remember something of one is told what version it is of by now. */
export const tellingStreams = (
  streams: Streams,
  changed: (stream: string, version: number) => void,
): Streams => ({
  ...streams,
  user: (userId) => tellingAggregate(streams.user(userId), changed),
  pairs: tellingAggregate(streams.pairs, changed),
})
