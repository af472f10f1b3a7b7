import { type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { words } from '../i18n/index.ts'
import { dayName, isSameDay } from '../i18n/time.ts'
import { Empty } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { type Direction, type Drawn, drawnOf, messagesOf, tailOf, undrawn, withMore } from './drawn.ts'
import { MessageRow, PendingRow } from './message-row.tsx'
import { type Message, type RoomLog } from './room-log.ts'
import { type OpenRoom } from './room.ts'
import { keepRead } from './rooms.ts'

/** Pixels from an end within which it counts as reached. */
const near = 60
/** Pixels before an end at which more is drawn. */
const ahead = 900
/** Messages that are known but not drawn, below which more are asked for. */
const stock = 50
/** Messages of one person within so long stand together. */
const togetherMs = 5 * 60 * 1000

const stands = (message: Message, before: Message | undefined): boolean =>
  before !== undefined &&
  before.senderId === message.senderId &&
  message.replyTo === undefined &&
  new Date(message.postedAt).getTime() - new Date(before.postedAt).getTime() < togetherMs &&
  isSameDay(message.postedAt, before.postedAt)

interface Shown {
  readonly room: OpenRoom
  readonly me: string
  readonly onReply: (message: Message) => void
  readonly onThread: (rootId: string) => void
}

const Messages = ({ log, drawn, ...shown }: Shown & { log: RoomLog; drawn: Drawn }) => {
  const byId = useMemo(
    () => new Map(log.messages.map((message) => [message.messageId, message])),
    [log.messages],
  )
  const { messages, before: first } = messagesOf(log, drawn)
  return (
    <ol>
      {messages.map((message, at) => {
        const before = at === 0 ? first : messages[at - 1]
        return (
          <li key={message.messageId} data-message={message.messageId} data-number={message.messageNumber}>
            {(before === undefined || !isSameDay(before.postedAt, message.postedAt)) && (
              <p class="day">{dayName(message.postedAt)}</p>
            )}
            <MessageRow
              {...shown}
              message={message}
              isContinued={stands(message, before)}
              repliedTo={message.replyTo === undefined ? undefined : byId.get(message.replyTo)}
            />
          </li>
        )
      })}
      {drawn.to === Infinity &&
        log.pending.map((pending) => (
          <li key={pending.clientMessageId}>
            <PendingRow room={shown.room} pending={pending} me={shown.me} />
          </li>
        ))}
    </ol>
  )
}

const topOf = (element: Element): number => element.getBoundingClientRect().top

/** Number of the message that something is in. */
const numberOf = (element: Element | null): number | undefined => {
  const number = element?.closest<HTMLElement>('[data-number]')?.dataset['number']
  return number === undefined ? undefined : Number(number)
}

/** The row at the top of what is seen, and how far below the top it is. */
const whereOneReads = (box: Element | null): { row: Element; top: number } | undefined => {
  const rows = box?.querySelectorAll('[data-number]') ?? []
  if (box === null || rows.length === 0) return undefined
  const top = topOf(box)
  let [from, to] = [0, rows.length - 1]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > top) to = middle
    else from = middle + 1
  }
  const row = rows[from]
  return row && { row, top: topOf(row) - top }
}

const ToEnd = ({ isShown, go }: { isShown: ReadonlySignal<boolean>; go: () => void }) =>
  isShown.value ? (
    <div class="to-end">
      <button type="button" class="button" onClick={go}>
        <Icon name="down" />
        {words.value.chat.latest}
      </button>
    </div>
  ) : null

/**
 * A room's messages. They are kept where one reads, whatever comes above or below, and at their end when one is there. Of
 * all that is known as many are in the document as one sees soon, some more each frame.
 *
 * @param around id of a message that a link names: it is shown in the middle
 */
export const MessageList = ({
  log,
  around,
  ...shown
}: Shown & { log: RoomLog; around: string | undefined }) => {
  const { room } = shown
  const list = useRef<HTMLDivElement>(null)
  const frame = useRef(0)
  const isAtEnd = useRef(around === undefined)
  /** The message that a link names, until it has been shown. */
  const sought = useRef(around)
  const isLoading = useRef(false)
  const pending = useRef(log.pending.length)
  const showsEndButton = useSignal(false)
  const wanted = useSignal<Drawn | undefined>(undefined)
  const drawn = drawnOf(log, wanted.value)
  const reachesEnd = useRef(false)
  reachesEnd.current = drawn.to === Infinity
  const held = whereOneReads(list.current)
  const hadKeyboard = list.current?.contains(document.activeElement) === true
  const { chat } = words.value

  const toEnd = (): void => {
    isAtEnd.current = true
    if (log.reachesEnd) wanted.value = tailOf(log)
    else void room.toEnd()
  }

  const look = (): void => {
    const box = list.current
    if (box === null) return
    const below = box.scrollHeight - box.scrollTop - box.clientHeight
    isAtEnd.current = below < near && reachesEnd.current
    // What is drawn while one reads back is no news.
    box.ariaLive = isAtEnd.current ? 'polite' : 'off'
    showsEndButton.value = !isAtEnd.current
    room.readBack(!isAtEnd.current)
    if (isAtEnd.current && document.visibilityState === 'visible') {
      room.markRead()
      keepRead(room.id)
    }
  }

  const load = (towards: Direction): void => {
    const hasMore = towards === 'earlier' ? log.earlier !== null : !log.reachesEnd
    if (!hasMore || isLoading.current) return
    isLoading.current = true
    const work = towards === 'earlier' ? room.loadEarlier() : room.loadLater()
    work
      .catch(() => undefined)
      .finally(() => {
        isLoading.current = false
      })
  }

  /** Draws some more where an end comes near, and asks for more before there is none. */
  const goOn = (): void => {
    const box = list.current
    if (box === null) return
    // Whoever is at the end, as one is who opens a room, waits for no more than is needed to scroll.
    const within = isAtEnd.current ? near : ahead
    const left = { earlier: box.scrollTop, later: box.scrollHeight - box.scrollTop - box.clientHeight }
    for (const towards of ['earlier', 'later'] as const) {
      if (left[towards] >= within) continue
      const more = undrawn(log, drawn, towards)
      if (more < stock) load(towards)
      if (more === 0) continue
      const kept = box.contains(document.activeElement) ? numberOf(document.activeElement) : undefined
      const cuts = left[towards === 'earlier' ? 'later' : 'earlier'] > 2 * ahead
      wanted.value = withMore(log, drawn, towards, { cuts, kept })
      return
    }
  }

  useLayoutEffect(() => {
    const box = list.current
    if (box === null) return
    wanted.value = drawn
    const target =
      sought.current === undefined ? null : box.querySelector(`[data-message="${sought.current}"]`)
    if (target !== null) {
      sought.current = undefined
      target.classList.add('is-sought')
      target.scrollIntoView({ block: 'center' })
    } else if (isAtEnd.current && log.reachesEnd) box.scrollTop = box.scrollHeight
    else if (held?.row.isConnected === true) {
      const moved = topOf(held.row) - topOf(box) - held.top
      if (moved !== 0) box.scrollTop += moved
    }
    // What had it was in a row that is not there any more.
    if (hadKeyboard && !box.contains(document.activeElement)) box.focus({ preventScroll: true })
    look()
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(goOn)
    // Whoever writes sees what they wrote.
    if (log.pending.length > pending.current && !isAtEnd.current) toEnd()
    pending.current = log.pending.length
  })

  useEffect(() => {
    const box = list.current
    if (box === null) return
    // The composer grows with what is written in it, and takes that from the list.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) box.scrollTop = box.scrollHeight
    })
    observer.observe(box)
    const seen = (): void => {
      look()
    }
    document.addEventListener('visibilitychange', seen)
    return () => {
      observer.disconnect()
      document.removeEventListener('visibilitychange', seen)
      cancelAnimationFrame(frame.current)
    }
  }, [room])

  return (
    <>
      <div
        key="messages"
        ref={list}
        class="messages"
        role="log"
        aria-label={chat.messages}
        tabIndex={0}
        onScroll={() => {
          look()
          cancelAnimationFrame(frame.current)
          frame.current = requestAnimationFrame(goOn)
        }}
      >
        {log.messages.length + log.pending.length === 0 ? (
          <div class="messages-empty">
            <Empty why={chat.emptyWhy}>{chat.empty}</Empty>
          </div>
        ) : (
          <Messages {...shown} log={log} drawn={drawn} />
        )}
      </div>
      <ToEnd key="to-end" isShown={showsEndButton} go={toEnd} />
    </>
  )
}
