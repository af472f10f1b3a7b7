import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { sayProblem, words } from '../i18n/index.ts'
import { momentOf, timeOfDay } from '../i18n/time.ts'
import { nameOf, PersonAvatar, PersonName } from '../people/people.tsx'
import { IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { namedOf } from './mention-list.tsx'
import { mentionedIn, partsOf } from './mentions.ts'
import { type Message, type Pending } from './room-log.ts'
import { type OpenRoom } from './room.ts'

const quickReactions = ['👍', '❤️', '🎧', '😂', '🔥', '👏'] as const

const linkPattern = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g

/** Text as it was written; what looks like a link to the web is one. */
const Linked = ({ text }: { text: string }) => {
  const parts: (string | { href: string })[] = []
  let from = 0
  for (const match of text.matchAll(linkPattern)) {
    parts.push(text.slice(from, match.index), { href: match[0] })
    from = match.index + match[0].length
  }
  parts.push(text.slice(from))
  return (
    <>
      {parts.map((part, at) =>
        typeof part === 'string' ? (
          part
        ) : (
          <a key={at} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.href}
          </a>
        ),
      )}
    </>
  )
}

const nobody: readonly string[] = []

/** What was said, with its links, and the names of those it mentions. Nothing else in it means anything. */
const Body = ({ text, mentions = nobody }: { text: string; mentions?: readonly string[] | undefined }) => (
  <p class="message-body" dir="auto">
    {partsOf(text, namedOf(mentions)).map((part, at) =>
      typeof part === 'string' ? (
        <Linked key={at} text={part} />
      ) : (
        <a key={at} class="mention" href={`/people/${part.mentions.id}`}>
          @{part.mentions.name}
        </a>
      ),
    )}
  </p>
)

const Edit = ({ room, message, done }: { room: OpenRoom; message: Message; done: () => void }) => {
  const text = useSignal(message.body)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { app, chat } = words.value
  const save = async (): Promise<void> => {
    try {
      const body = text.value.trim()
      // Whoever is mentioned still is, as long as the text has the name.
      const mentioned = mentionedIn(body, namedOf(message.mentions ?? nobody))
      if (body !== message.body) await room.edit(message.messageId, body, mentioned)
      done()
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  return (
    <form
      class="message-edit"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <textarea
        aria-label={chat.edit}
        rows={2}
        maxLength={4000}
        value={text.value}
        ref={(element) => element?.focus()}
        onInput={(event) => {
          text.value = event.currentTarget.value
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') done()
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault()
            void save()
          }
        }}
      />
      {problem.value !== undefined && (
        <p role="alert" class="problem-text">
          {sayProblem(problem.value)}
        </p>
      )}
      <button type="submit" class="button button-main">
        {app.save}
      </button>
      <button type="button" class="button" onClick={done}>
        {app.cancel}
      </button>
    </form>
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
  const isEditing = useSignal(false)
  const isChoosing = useSignal(false)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { chat } = words.value
  const isMine = message.senderId === me
  const actions = useRef<HTMLDivElement>(null)
  /** Label of the button that stands where the one was that was pressed: it keeps the keyboard. */
  const standOn = useRef<string | undefined>(undefined)
  useLayoutEffect(() => {
    if (standOn.current === undefined) return
    const label = standOn.current
    standOn.current = undefined
    const buttons = [...(actions.current?.querySelectorAll('button') ?? [])]
    buttons.find((button) => button.ariaLabel === label)?.focus()
  }, [isChoosing.value, isEditing.value])
  const act = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      problem.value = asProblem(error)
    })
  }
  return (
    <article
      class={`message ${isContinued ? 'is-continued' : ''} ${isMine ? 'is-mine' : ''}`}
      aria-label={chat.actions(nameOf(message.senderId))}
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
              <a class="message-track" href={`/tracks/${message.trackId}`}>
                <Icon name="play" /> {chat.aTrack}
              </a>
            )}
          </>
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
              <IconButton
                icon="smile"
                label={chat.react}
                onClick={() => {
                  standOn.current = chat.reactWith(quickReactions[0])
                  isChoosing.value = true
                }}
              />
              {onReply !== undefined && (
                <IconButton
                  icon="reply"
                  label={chat.reply}
                  onClick={() => {
                    onReply(message)
                  }}
                />
              )}
              {isMine && (
                <IconButton
                  icon="edit"
                  label={chat.edit}
                  onClick={() => {
                    isEditing.value = true
                  }}
                />
              )}
              {isMine && (
                <IconButton
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
            <IconButton
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
