import { words } from '../i18n/index.ts'
import { nameOf, PersonAvatar } from '../people/people.tsx'
import { Icon } from '../ui/icon.tsx'
import { type Room } from './rooms.ts'

/** What a room is called: a direct one by the other person. */
export const roomName = (room: Room): string =>
  room.peerId !== null ? nameOf(room.peerId) : room.name === '' ? words.value.rooms.unnamed : room.name

const RoomLink = ({ room }: { room: Room }) => {
  const { rooms } = words.value
  const { messages = 0, mentions = 0 } = room.unread ?? {}
  return (
    <a class="room-link" href={`/rooms/${room.id}`}>
      {room.peerId === null ? (
        <span class="room-mark">
          <Icon name={room.visibility === 'private' ? 'lock' : 'rooms'} />
        </span>
      ) : (
        <PersonAvatar id={room.peerId} />
      )}
      <span class={`clip ${messages > 0 ? 'strong' : ''}`}>{roomName(room)}</span>
      {mentions > 0 && (
        <span class="count count-loud" title={rooms.mentions(mentions)}>
          @<span class="hidden">{rooms.mentions(mentions)}</span>
        </span>
      )}
      {messages > 0 && (
        <span class="count" title={rooms.unread(messages)}>
          <span aria-hidden="true">{messages > 99 ? '99+' : messages}</span>
          <span class="hidden">{rooms.unread(messages)}</span>
        </span>
      )}
    </a>
  )
}

export const RoomLinks = ({ rooms }: { rooms: readonly Room[] }) => (
  <ul class="room-links">
    {rooms.map((room) => (
      <li key={room.id}>
        <RoomLink room={room} />
      </li>
    ))}
  </ul>
)
