import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { useCallback, useEffect, useMemo } from 'preact/hooks'
import { words } from '../i18n/index.ts'
import { liveness } from '../live/connection.ts'
import { nameOf } from '../people/people.tsx'
import { IconButton, Loading, ProblemNote } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { followComments } from './comments.ts'
import { Composer } from './composer.tsx'
import { MessageList } from './message-list.tsx'
import { type Message } from './room-log.ts'
import { openRoom, type OpenRoom } from './room.ts'
import { RoomPeople } from './room-people.tsx'
import { Thread } from './thread.tsx'
import { type Room } from './rooms.ts'

/** Who is here, who writes, and whether one sees it as it happens. */
const Head = ({ name, room, people }: { name: string; room: OpenRoom; people: (() => void) | undefined }) => {
  const { chat } = words.value
  return (
    <header class="room-head">
      <h1 class="clip">{name}</h1>
      {room.here.value !== undefined && (
        <span class="quiet here" data-live={liveness.value}>
          <Icon name="people" />
          {chat.here(room.here.value)}
        </span>
      )}
      {people !== undefined && (
        <IconButton icon="settings" label={words.value.moderation.people} onClick={people} />
      )}
    </header>
  )
}

/**
 * A room's conversation.
 *
 * @param around id of a message that a link names: it is shown in the middle
 * @param foot what stands in place of the composer, for those who may not write
 */
export const Conversation = ({
  room: about,
  name,
  me,
  trackId,
  around,
  foot,
}: {
  room: Room
  name: string
  me: string
  trackId?: string
  around?: string
  foot?: ComponentChildren
}) => {
  const { id, role } = about
  const room = useMemo(() => openRoom({ id, role }, me, around), [id, role, me, around])
  useEffect(
    () => () => {
      room.close()
    },
    [room],
  )
  useEffect(() => (trackId === undefined ? undefined : followComments(room, trackId)), [room, trackId])
  const replyTo = useSignal<Message | undefined>(undefined)
  const threadId = useSignal<string | undefined>(undefined)
  const showsPeople = useSignal(false)
  // The same ones always: a row is drawn anew when something about it is another, and there are hundreds.
  const onReply = useCallback((message: Message) => {
    replyTo.value = message
  }, [])
  const onThread = useCallback((rootId: string) => {
    threadId.value = rootId
  }, [])
  const log = room.log.value
  const { chat } = words.value
  const names = room.typing.value.map(nameOf)
  return (
    <section class="conversation" aria-label={name}>
      <Head
        name={name}
        room={room}
        people={
          role === null || about.visibility === 'direct'
            ? undefined
            : () => {
                showsPeople.value = true
              }
        }
      />
      {room.problem.value !== undefined && (
        <ProblemNote problem={room.problem.value} again={() => void room.toEnd()} />
      )}
      {log === undefined ? (
        room.problem.value === undefined && <Loading />
      ) : (
        <MessageList
          key="messages"
          room={room}
          log={log}
          me={me}
          around={around}
          onReply={onReply}
          onThread={onThread}
        />
      )}
      {threadId.value !== undefined && (
        <Thread
          key={threadId.value}
          room={room}
          roomId={id}
          rootId={threadId.value}
          me={me}
          canWrite={foot === undefined}
          close={() => {
            threadId.value = undefined
          }}
        />
      )}
      {showsPeople.value && (
        <RoomPeople
          key="people"
          room={about}
          me={me}
          close={() => {
            showsPeople.value = false
          }}
        />
      )}
      {/* By its key: Preact would make the list of it when that comes, and who writes would lose the field. */}
      <div key="foot" class="room-foot">
        <p class="typing" role="status">
          {names.length > 0 ? chat.typing(names) : ''}
        </p>
        {foot ?? (
          <Composer
            room={room}
            draft={id}
            me={me}
            replyTo={replyTo.value}
            onDone={() => {
              replyTo.value = undefined
            }}
            {...(trackId !== undefined && { trackId })}
          />
        )}
      </div>
    </section>
  )
}
