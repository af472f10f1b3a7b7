import { computed, signal } from '@preact/signals'
import { api, ask, type Schemas } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { onMissed, onOwn } from '../live/connection.ts'
import { type Counts } from '../live/publications.ts'

export type Room = Schemas['Room']

/** The rooms that one is in, the youngest first; undefined: not loaded yet. */
export const myRooms = signal<readonly Room[] | undefined>(undefined)
export const roomsProblem = signal<ApiProblem | undefined>(undefined)
/** What waits in the inbox. */
export const waiting = signal<Counts>({ mentions: 0, directMessages: 0, invitations: 0 })
export const waitingTotal = computed(
  () => waiting.value.mentions + waiting.value.directMessages + waiting.value.invitations,
)

export const loadRooms = async (): Promise<void> => {
  try {
    const [{ rooms }, inbox] = await Promise.all([
      ask(api.GET('/v1/rooms', { params: { query: { scope: 'mine', limit: 100 } } })),
      ask(api.GET('/v1/notifications', { params: { query: { limit: 1 } } })),
    ])
    myRooms.value = rooms
    waiting.value = inbox.counts
    roomsProblem.value = undefined
  } catch (error) {
    roomsProblem.value = asProblem(error)
  }
}

export const forgetRooms = (): void => {
  myRooms.value = undefined
  waiting.value = { mentions: 0, directMessages: 0, invitations: 0 }
}

const changeRoom = (roomId: string, to: (room: Room) => Room): void => {
  myRooms.value = myRooms.value?.map((room) => (room.id === roomId ? to(room) : room))
}

/** Counts a message that was seen to arrive, in rooms of which nobody is told in particular. */
export const keepRead = (roomId: string): void => {
  changeRoom(roomId, (room) =>
    room.unread === null ? room : { ...room, unread: { ...room.unread, messages: 0, mentions: 0 } },
  )
}

onOwn((publication) => {
  if (publication.type === 'track' || publication.type === 'rejected') return
  waiting.value = publication.counts
  const { roomId, unread } = publication
  if (unread !== undefined)
    changeRoom(roomId, (room) =>
      room.unread === null ? room : { ...room, unread: { ...room.unread, ...unread } },
    )
  const isKnown = myRooms.value?.some(({ id }) => id === roomId) === true
  if (publication.type === 'room.left') myRooms.value = myRooms.value?.filter(({ id }) => id !== roomId)
  else if (publication.type === 'room.joined' || (publication.type === 'direct-message' && !isKnown))
    void loadRooms()
})
onMissed(() => void loadRooms())
