import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { words } from '../i18n/index.ts'
import { dayName, isSameDay } from '../i18n/time.ts'
import { liveness } from '../live/connection.ts'
import { nameOf } from '../people/people.tsx'
import { Empty, IconButton, Loading, ProblemNote } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { followComments } from './comments.ts'
import { Composer } from './composer.tsx'
import { MessageRow, PendingRow } from './message-row.tsx'
import { type Message, type RoomLog } from './room-log.ts'
import { openRoom, type OpenRoom } from './room.ts'
import { RoomPeople } from './room-people.tsx'
import { Thread } from './thread.tsx'
import { keepRead, type Room } from './rooms.ts'

/** Pixels from an end within which it counts as reached. */
const near = 60
/** Pixels before an end at which more is loaded. */
const ahead = 600
/** Messages of one person within so long stand together. */
const togetherMs = 5 * 60 * 1000

const stands = (message: Message, before: Message | undefined): boolean =>
  before !== undefined &&
  before.senderId === message.senderId &&
  message.replyTo === undefined &&
  new Date(message.postedAt).getTime() - new Date(before.postedAt).getTime() < togetherMs &&
  isSameDay(message.postedAt, before.postedAt)

const Messages = ({
  room,
  log,
  me,
  onReply,
  onThread,
}: {
  room: OpenRoom
  log: RoomLog
  me: string
  onReply: (message: Message) => void
  onThread: (rootId: string) => void
}) => {
  const byId = useMemo(
    () => new Map(log.messages.map((message) => [message.messageId, message])),
    [log.messages],
  )
  return (
    <>
      {log.messages.map((message, at) => {
        const before = log.messages[at - 1]
        return (
          <li key={message.messageId} data-message={message.messageId}>
            {(before === undefined || !isSameDay(before.postedAt, message.postedAt)) && (
              <p class="day">{dayName(message.postedAt)}</p>
            )}
            <MessageRow
              room={room}
              message={message}
              me={me}
              isContinued={stands(message, before)}
              repliedTo={message.replyTo === undefined ? undefined : byId.get(message.replyTo)}
              onReply={onReply}
              onThread={onThread}
            />
          </li>
        )
      })}
      {log.pending.map((pending) => (
        <li key={pending.clientMessageId}>
          <PendingRow room={room} pending={pending} me={me} />
        </li>
      ))}
    </>
  )
}

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
 * A room's conversation: it is kept where one reads, whatever comes above or below, and at its end when one is there.
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
  const list = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(around === undefined)
  /** The message that a link names, until it has been shown. */
  const sought = useRef(around)
  /** The message at the top of what is seen, and how far below the top it is. */
  const held = useRef<{ element: Element; top: number } | undefined>(undefined)
  const isLoading = useRef(false)
  const showsEndButton = useSignal(false)
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

  const remember = (): void => {
    const box = list.current
    if (box === null) return
    isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < near
    const top = box.getBoundingClientRect().top
    const element = [...box.querySelectorAll('[data-message]')].find(
      (each) => each.getBoundingClientRect().bottom > top,
    )
    held.current =
      element === undefined ? undefined : { element, top: element.getBoundingClientRect().top - top }
    showsEndButton.value = !isAtEnd.current || room.log.value?.reachesEnd === false
    if (isAtEnd.current && document.visibilityState === 'visible') {
      room.markRead()
      keepRead(id)
    }
  }

  /** @param within pixels of an end */
  const loadMore = (within: number): void => {
    const box = list.current
    if (box === null || isLoading.current) return
    const below = box.scrollHeight - box.scrollTop - box.clientHeight
    const work =
      box.scrollTop < within && (room.log.value?.earlier ?? null) !== null
        ? room.loadEarlier()
        : below < within && room.log.value?.reachesEnd === false
          ? room.loadLater()
          : undefined
    if (work === undefined) return
    isLoading.current = true
    work
      .catch(() => undefined)
      .finally(() => {
        isLoading.current = false
      })
  }

  useLayoutEffect(() => {
    const box = list.current
    if (box === null) return
    const target =
      sought.current === undefined ? null : box.querySelector(`[data-message="${sought.current}"]`)
    if (target !== null) {
      sought.current = undefined
      target.classList.add('is-sought')
      target.scrollIntoView({ block: 'center' })
    } else if (isAtEnd.current && log?.reachesEnd === true) box.scrollTop = box.scrollHeight
    else if (held.current?.element.isConnected === true) {
      const top = held.current.element.getBoundingClientRect().top - box.getBoundingClientRect().top
      box.scrollTop += top - held.current.top
    }
    remember()
    // No more than is needed to scroll: whoever opened the room waits for what is drawn now.
    loadMore(near)
  }, [log])

  useEffect(() => {
    const box = list.current
    if (box === null) return
    // The composer grows with what is written in it, and takes that from the list.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current && room.log.value?.reachesEnd === true) box.scrollTop = box.scrollHeight
    })
    observer.observe(box)
    return () => {
      observer.disconnect()
    }
  }, [room, log === undefined])

  useEffect(() => {
    const seen = (): void => {
      remember()
    }
    document.addEventListener('visibilitychange', seen)
    return () => {
      document.removeEventListener('visibilitychange', seen)
    }
  }, [room])

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
        <div
          key="messages"
          ref={list}
          class="messages"
          role="log"
          aria-label={chat.messages}
          tabIndex={0}
          onScroll={() => {
            remember()
            loadMore(ahead)
          }}
        >
          {log.messages.length + log.pending.length === 0 ? (
            <div class="messages-empty">
              <Empty why={chat.emptyWhy}>{chat.empty}</Empty>
            </div>
          ) : (
            <ol>
              <Messages room={room} log={log} me={me} onReply={onReply} onThread={onThread} />
            </ol>
          )}
        </div>
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
        {showsEndButton.value && (
          <button
            type="button"
            class="button to-end"
            onClick={() => {
              isAtEnd.current = true
              void room.toEnd()
            }}
          >
            <Icon name="down" />
            {chat.latest}
          </button>
        )}
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
