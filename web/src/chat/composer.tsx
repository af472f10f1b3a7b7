import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { words } from '../i18n/index.ts'
import { clock } from '../i18n/time.ts'
import { nameOf } from '../people/people.tsx'
import { current, position } from '../player/player.ts'
import { IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { useMentions } from './mention-list.tsx'
import { mentionedIn } from './mentions.ts'
import { readDraft, writeDraft } from './outbox.ts'
import { type Message } from './room-log.ts'
import { type OpenRoom } from './room.ts'

const maxLength = 4000

/** The place in the track that plays where one began to write: a message says it, unless one wants it not to. */
const usePlace = (trackId: string | undefined) => {
  const isWanted = useSignal(true)
  const begunAt = useSignal<number | undefined>(undefined)
  const isHeard = trackId !== undefined && current.value?.id === trackId
  const seconds = isHeard ? (begunAt.value ?? position.value) : undefined
  return {
    /** undefined: the message is about none. */
    positionMs: seconds === undefined || !isWanted.value ? undefined : Math.round(seconds * 1000),
    /** Tells what is written now. */
    follow(text: string): void {
      if (text === '') begunAt.value = undefined
      else if (isHeard) begunAt.value ??= position.value
    },
    choice: seconds !== undefined && (
      <button
        type="button"
        class="composer-place"
        aria-pressed={isWanted.value}
        onClick={() => {
          isWanted.value = !isWanted.value
        }}
      >
        <Icon name="play" />
        {words.value.chat.at(clock(seconds))}
      </button>
    ),
  }
}

/** Where one writes. What stands in it is kept, over a reload too. */
export const Composer = ({
  room,
  draft,
  me,
  replyTo,
  trackId,
  onDone,
}: {
  room: OpenRoom
  /** Names what is written here, and not sent yet. */
  draft: string
  me: string
  replyTo: Message | undefined
  trackId?: string
  onDone: () => void
}) => {
  const text = useSignal(readDraft(me, draft))
  const place = usePlace(trackId)
  const field = useRef<HTMLTextAreaElement>(null)
  const { chat, app } = words.value
  useEffect(() => {
    if (replyTo !== undefined) field.current?.focus()
  }, [replyTo])

  const write = (value: string): void => {
    text.value = value
    writeDraft(me, draft, value)
    place.follow(value)
  }
  const mentions = useMentions({ roomId: room.id, me }, text.value, field, write)
  const send = (): void => {
    const body = text.value.trim()
    if (body === '') return
    const mentioned = mentionedIn(body, mentions.people)
    const trackPositionMs = replyTo === undefined ? place.positionMs : undefined
    room.send(body, { replyTo: replyTo?.messageId, trackId, trackPositionMs, mentions: mentioned })
    write('')
    onDone()
    field.current?.focus()
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {replyTo !== undefined && (
        <p class="composer-about">
          <span class="clip">
            {chat.replyTo(nameOf(replyTo.senderId))}: {replyTo.body}
          </span>
          <IconButton icon="close" label={app.cancel} onClick={onDone} />
        </p>
      )}
      {replyTo === undefined && place.choice}
      {mentions.list}
      <div class="composer-line">
        <textarea
          ref={field}
          rows={1}
          maxLength={maxLength}
          aria-label={chat.compose}
          placeholder={chat.compose}
          value={text.value}
          {...mentions.attributes}
          onSelect={(event) => {
            mentions.follow(event.currentTarget)
          }}
          onInput={(event) => {
            write(event.currentTarget.value)
            mentions.follow(event.currentTarget)
            if (event.currentTarget.value !== '') room.tellTyping()
          }}
          onKeyDown={(event) => {
            if (mentions.takesKey(event)) return
            // While an input method composes, Enter is its own.
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
              event.preventDefault()
              send()
            } else if (event.key === 'Escape') onDone()
          }}
        />
        <button type="submit" class="send-button" aria-label={chat.send} disabled={text.value.trim() === ''}>
          <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 19V5m-6 6 6-6 6 6" />
          </svg>
        </button>
      </div>
    </form>
  )
}
