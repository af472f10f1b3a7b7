import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { words } from '../i18n/index.ts'
import { nameOf } from '../people/people.tsx'
import { IconButton } from '../ui/controls.tsx'
import { useMentions } from './mention-list.tsx'
import { mentionedIn } from './mentions.ts'
import { readDraft, writeDraft } from './outbox.ts'
import { type Message } from './room-log.ts'
import { type OpenRoom } from './room.ts'

const maxLength = 4000

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
  const field = useRef<HTMLTextAreaElement>(null)
  const { chat, app } = words.value
  useEffect(() => {
    if (replyTo !== undefined) field.current?.focus()
  }, [replyTo])

  const write = (value: string): void => {
    text.value = value
    writeDraft(me, draft, value)
  }
  const mentions = useMentions({ roomId: room.id, me }, text.value, field, write)
  const send = (): void => {
    const body = text.value.trim()
    if (body === '') return
    const mentioned = mentionedIn(body, mentions.people)
    room.send(body, { replyTo: replyTo?.messageId, trackId, mentions: mentioned })
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
