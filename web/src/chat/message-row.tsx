import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { sayProblem, words } from '../i18n/index.ts'
import { clock, momentOf, timeOfDay } from '../i18n/time.ts'
import { nameOf, PersonAvatar, PersonName } from '../people/people.tsx'
import { current, playFrom } from '../player/player.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { namedOf } from './mention-list.tsx'
import { mentionedIn } from './mentions.ts'
import { Body } from './message-body.tsx'
import { type Message, type Pending } from './room-log.ts'
import { type OpenRoom } from './room.ts'
import { Writing } from './writing.tsx'

const quickReactions = ['👍', '❤️', '🎧', '😂', '🔥', '👏'] as const

const Edit = ({ room, message, done }: { room: OpenRoom; message: Message; done: () => void }) => (
  <Writing
    label={words.value.chat.edit}
    begin={message.body}
    maxLength={4000}
    go={words.value.app.save}
    send={async (body) => {
      // Whoever is mentioned still is, as long as the text has the name.
      const mentioned = mentionedIn(body, namedOf(message.mentions ?? []))
      if (body !== message.body) await room.edit(message.messageId, body, mentioned)
    }}
    done={done}
  />
)

/** To the track that a message shows, and the place in it that it is about. */
const TrackLink = ({ trackId, positionMs }: { trackId: string; positionMs: number | undefined }) => {
  const { chat } = words.value
  if (positionMs === undefined)
    return (
      <a class="message-track" href={`/tracks/${trackId}`}>
        <Icon name="play" /> {chat.aTrack}
      </a>
    )
  const seconds = positionMs / 1000
  const at = (
    <>
      <Icon name="play" />
      <span class="hidden">{chat.aTrack} </span>
      {clock(seconds)}
    </>
  )
  const track = current.value
  return track?.id === trackId ? (
    <button
      type="button"
      class="message-track"
      onClick={() => {
        playFrom(track, seconds)
      }}
    >
      {at}
    </button>
  ) : (
    <a class="message-track" href={`/tracks/${trackId}?at=${seconds}`}>
      {at}
    </a>
  )
}

const Reactions = ({ room, message }: { room: OpenRoom; message: Message }) => {
  const { chat } = words.value
  if ((message.reactions ?? []).length === 0) return null
  return (
    <div class="reactions">
      {message.reactions?.map(({ reaction, count, mine }) => (
        <button
          key={reaction}
          type="button"
          class="reaction"
          aria-pressed={mine}
          aria-label={chat.reactions(reaction, count)}
          onClick={() => {
            room.react(message.messageId, reaction, !mine).catch(() => undefined)
          }}
        >
          {reaction} <span>{count}</span>
        </button>
      ))}
    </div>
  )
}

/** What one may do to a message. Its picture is drawn when it is seen: there are hundreds, and who listens needs none. */
const Act = ({
  icon,
  label,
  isSeen,
  onClick,
}: {
  icon: IconName
  label: string
  isSeen: boolean
  onClick: () => void
}) => (
  <button type="button" class="icon-button" aria-label={label} title={label} onClick={onClick}>
    {isSeen && <Icon name={icon} />}
  </button>
)

/** A message, with what one may do to it. */
export const MessageRow = ({
  room,
  message,
  me,
  isContinued,
  repliedTo,
  onReply,
  onThread,
}: {
  room: OpenRoom
  message: Message
  me: string
  isContinued: boolean
  repliedTo?: Message | undefined
  /** Undefined: this is a thread already. */
  onReply?: (message: Message) => void
  onThread?: (rootId: string) => void
}) => {
  const isSeen = useSignal(false)
  const isEditing = useSignal(false)
  const isChoosing = useSignal(false)
  /** `done`: the moderators have been told. */
  const reporting = useSignal<'no' | 'writing' | 'done'>('no')
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { chat } = words.value
  const isMine = message.senderId === me
  const looksAfter = room.role === 'owner' || room.role === 'moderator'
  const actions = useRef<HTMLDivElement>(null)
  /** Label of the button that stands where the one was that was pressed: it keeps the keyboard. */
  const standOn = useRef<string | undefined>(undefined)
  useLayoutEffect(() => {
    if (standOn.current === undefined) return
    const label = standOn.current
    standOn.current = undefined
    const buttons = [...(actions.current?.querySelectorAll('button') ?? [])]
    buttons.find((button) => button.ariaLabel === label)?.focus()
  }, [isChoosing.value, isEditing.value, reporting.value])
  const act = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      problem.value = asProblem(error)
    })
  }
  return (
    <article
      class={`message ${isContinued ? 'is-continued' : ''} ${isMine ? 'is-mine' : ''}`}
      aria-label={chat.actions(nameOf(message.senderId))}
      onPointerEnter={() => {
        isSeen.value = true
      }}
      onFocusIn={() => {
        isSeen.value = true
      }}
    >
      {isContinued ? <span class="message-gutter" /> : <PersonAvatar id={message.senderId} />}
      <div class="message-main">
        {!isContinued && (
          <p class="message-head">
            <a class="strong" href={`/people/${message.senderId}`}>
              <PersonName id={message.senderId} />
            </a>
            <time class="quiet" dateTime={message.postedAt} title={momentOf(message.postedAt)}>
              {timeOfDay(message.postedAt)}
            </time>
          </p>
        )}
        {message.replyTo !== undefined && onThread !== undefined && (
          <button
            type="button"
            class="message-about"
            onClick={() => {
              onThread(message.threadId ?? message.replyTo ?? '')
            }}
          >
            <Icon name="reply" />
            <span class="clip">
              {repliedTo === undefined ? chat.thread : `${nameOf(repliedTo.senderId)}: ${repliedTo.body}`}
            </span>
          </button>
        )}
        {message.deletedAt !== undefined ? (
          <p class="quiet message-deleted">{chat.deleted}</p>
        ) : isEditing.value ? (
          <Edit
            room={room}
            message={message}
            done={() => {
              standOn.current = chat.edit
              isEditing.value = false
            }}
          />
        ) : (
          <>
            <Body text={message.body} mentions={message.mentions} />
            {message.editedAt !== undefined && <span class="quiet message-edited">{chat.edited}</span>}
            {message.trackId !== undefined && (
              <TrackLink trackId={message.trackId} positionMs={message.trackPositionMs} />
            )}
          </>
        )}
        {reporting.value === 'writing' && (
          <Writing
            label={chat.reportReason}
            begin=""
            maxLength={1000}
            go={chat.report}
            send={async (reason) => {
              await room.report(message.messageId, reason)
              reporting.value = 'done'
            }}
            done={() => {
              standOn.current = chat.react
              if (reporting.value === 'writing') reporting.value = 'no'
            }}
          />
        )}
        {reporting.value === 'done' && (
          <p class="quiet" role="status">
            {chat.reported}
          </p>
        )}
        <Reactions room={room} message={message} />
        {(message.replies ?? 0) > 0 && onThread !== undefined && (
          <button
            type="button"
            class="link replies"
            onClick={() => {
              onThread(message.threadId ?? message.messageId)
            }}
          >
            {chat.replies(message.replies ?? 0)}
          </button>
        )}
        {problem.value !== undefined && (
          <p role="alert" class="problem-text">
            {sayProblem(problem.value)}
          </p>
        )}
      </div>
      {message.deletedAt === undefined && !isEditing.value && (
        <div ref={actions} class="message-actions">
          {isChoosing.value ? (
            quickReactions.map((reaction) => (
              <button
                key={reaction}
                type="button"
                class="icon-button"
                aria-label={chat.reactWith(reaction)}
                onClick={() => {
                  standOn.current = chat.react
                  isChoosing.value = false
                  const had =
                    message.reactions?.some((each) => each.reaction === reaction && each.mine) === true
                  act(room.react(message.messageId, reaction, !had))
                }}
              >
                {reaction}
              </button>
            ))
          ) : (
            <>
              <Act
                isSeen={isSeen.value}
                icon="smile"
                label={chat.react}
                onClick={() => {
                  standOn.current = chat.reactWith(quickReactions[0])
                  isChoosing.value = true
                }}
              />
              {onReply !== undefined && (
                <Act
                  isSeen={isSeen.value}
                  icon="reply"
                  label={chat.reply}
                  onClick={() => {
                    onReply(message)
                  }}
                />
              )}
              {isMine && (
                <Act
                  isSeen={isSeen.value}
                  icon="edit"
                  label={chat.edit}
                  onClick={() => {
                    isEditing.value = true
                  }}
                />
              )}
              {!isMine && room.role !== null && reporting.value === 'no' && (
                <Act
                  isSeen={isSeen.value}
                  icon="flag"
                  label={chat.report}
                  onClick={() => {
                    reporting.value = 'writing'
                  }}
                />
              )}
              {(isMine || looksAfter) && (
                <Act
                  isSeen={isSeen.value}
                  icon="trash"
                  label={chat.remove}
                  onClick={() => {
                    if (confirm(chat.removeSure)) act(room.remove(message.messageId))
                  }}
                />
              )}
            </>
          )}
          {isChoosing.value && (
            <Act
              isSeen={isSeen.value}
              icon="close"
              label={words.value.app.cancel}
              onClick={() => {
                standOn.current = chat.react
                isChoosing.value = false
              }}
            />
          )}
        </div>
      )}
    </article>
  )
}

/** A message of one's own that is on its way, or came back. */
export const PendingRow = ({ room, pending, me }: { room: OpenRoom; pending: Pending; me: string }) => {
  const { chat } = words.value
  const { clientMessageId, refusedBy } = pending
  return (
    <article class={`message is-mine ${refusedBy === undefined ? 'is-pending' : 'is-refused'}`}>
      <PersonAvatar id={me} />
      <div class="message-main">
        <p class="message-head">
          <span class="strong">
            <PersonName id={me} />
          </span>
          <span class="quiet">{refusedBy === undefined ? chat.sending : chat.notSent}</span>
        </p>
        <Body text={pending.body} mentions={pending.mentions} />
        {refusedBy !== undefined && (
          <p class="problem-text" role="alert">
            {sayProblem({ code: refusedBy, status: 0 })}{' '}
            <button
              type="button"
              class="link"
              onClick={() => {
                room.retry(clientMessageId)
              }}
            >
              {chat.retry}
            </button>{' '}
            <button
              type="button"
              class="link"
              onClick={() => {
                room.discard(clientMessageId)
              }}
            >
              {chat.discard}
            </button>
          </p>
        )}
      </div>
    </article>
  )
}
