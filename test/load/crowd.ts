import { createRoom, inParallel, join, type Person, refreshed, register } from '../support/api.ts'
import { type LoadPlan } from './plan.ts'

/** People in rooms, ready to be load: sockets in turn over the rooms, a person's sockets in different rooms. */
export interface Crowd {
  readonly rooms: readonly string[]
  /** One a socket, with access tokens that are new. */
  sockets(): Promise<LoadPlan['sockets']>
}

/** Registers people, creates rooms and joins each socket's person to its room, over HTTP. */
export const gatherCrowd = async (
  http: string,
  size: { readonly sockets: number; readonly rooms: number; readonly people: number },
): Promise<Crowd> => {
  const count = Math.min(size.people, size.sockets)
  let people: Person[] = await inParallel(4, Array.from({ length: count }), (_, index) =>
    register(http, `Person ${index + 1}`),
  )
  const personOf = (socket: number) => Math.floor((socket * count) / size.sockets)
  const seats = Array.from({ length: size.sockets }, (_, socket) => ({
    person: personOf(socket),
    room: socket % size.rooms,
  }))
  const rooms = await inParallel(8, Array.from({ length: size.rooms }), (_, index) =>
    createRoom(http, people[index % count] as Person, `Room ${index + 1}`),
  )
  const pairs = new Map(seats.map((seat) => [`${seat.person}/${seat.room}`, seat]))
  await inParallel(8, [...pairs.values()], ({ person, room }) =>
    join(http, people[person] as Person, rooms[room] ?? ''),
  )
  return {
    rooms,
    async sockets() {
      people = await inParallel(8, people, (person) => refreshed(http, person))
      return seats.map(({ person, room }) => ({ token: people[person]?.token ?? '', room }))
    },
  }
}

/** Settings that lift the limits which a crowd of few people with many sockets would meet. */
export const liftedLimits: Readonly<Record<string, string>> = {
  COMMAND_RATE: '100000',
  COMMAND_BURST: '100000',
  MAX_CONNECTIONS_PER_USER: '100000',
}
