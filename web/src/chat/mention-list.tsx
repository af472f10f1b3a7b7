import { useSignal } from '@preact/signals'
import { type RefObject } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { person, PersonAvatar } from '../people/people.tsx'
import { mentionBegun, type Named, offered, withMention } from './mentions.ts'

/** Members whose names are offered: asking for those of thousands would take longer than writing one. */
const mostMembers = 50

/** Those of them whose name is known by now. */
export const namedOf = (ids: readonly string[]): readonly Named[] =>
  ids.flatMap((id) => {
    const user = person(id).value
    return user === undefined || user === 'gone' ? [] : [{ id, name: user.displayName }]
  })

/** Offers the members of a room while a name is written after @. The field keeps the keyboard. */
export const useMentions = (
  { roomId, me }: { roomId: string; me: string },
  text: string,
  field: RefObject<HTMLTextAreaElement | null>,
  write: (text: string) => void,
) => {
  const id = useId()
  const memberIds = useSignal<readonly string[]>([])
  const caret = useSignal(0)
  const active = useSignal(0)
  /** Where the @ is of which one wants no names. */
  const dismissedAt = useSignal<number | undefined>(undefined)
  const caretAfter = useRef<number | undefined>(undefined)

  const hasAt = text.includes('@')
  useEffect(() => {
    if (!hasAt) return
    const params = { path: { roomId }, query: { limit: mostMembers } }
    ask(api.GET('/v1/rooms/{roomId}/members', { params })).then(
      ({ members }) => {
        memberIds.value = members.map(({ userId }) => userId).filter((userId) => userId !== me)
      },
      // Nobody is offered then; the message can be sent all the same.
      () => undefined,
    )
  }, [roomId, hasAt])
  useLayoutEffect(() => {
    if (caretAfter.current === undefined) return
    field.current?.setSelectionRange(caretAfter.current, caretAfter.current)
    caretAfter.current = undefined
  }, [text])

  const people = hasAt ? namedOf(memberIds.value) : []
  const begun = hasAt ? mentionBegun(text, caret.value) : undefined
  const options = begun === undefined || begun.at === dismissedAt.value ? [] : offered(people, begun.query)
  const at = Math.min(active.value, options.length - 1)

  const choose = ({ name }: Named): void => {
    if (begun === undefined) return
    const chosen = withMention(text, begun, name)
    caretAfter.current = chosen.caret
    caret.value = chosen.caret
    write(chosen.text)
    field.current?.focus()
  }

  return {
    /** Members who may be called by name. */
    people,
    /** Tells where the caret is. */
    follow(element: HTMLTextAreaElement): void {
      if (caret.value === element.selectionStart) return
      caret.value = element.selectionStart
      active.value = 0
      if (mentionBegun(element.value, caret.value) === undefined) dismissedAt.value = undefined
    },
    /** Whether the key was for the list. */
    takesKey(event: KeyboardEvent): boolean {
      const option = options[at]
      if (option === undefined || event.isComposing || event.shiftKey) return false
      if (event.key === 'ArrowDown') active.value = (at + 1) % options.length
      else if (event.key === 'ArrowUp') active.value = (at - 1 + options.length) % options.length
      else if (event.key === 'Enter' || event.key === 'Tab') choose(option)
      else if (event.key === 'Escape') dismissedAt.value = begun?.at
      else return false
      event.preventDefault()
      event.stopPropagation()
      return true
    },
    attributes: {
      'aria-autocomplete': 'list' as const,
      'aria-controls': options.length > 0 ? id : undefined,
      'aria-activedescendant': options.length > 0 ? `${id}-${at}` : undefined,
    },
    list: options.length > 0 && (
      <ul id={id} class="mention-list" role="listbox" aria-label={words.value.chat.mention}>
        {options.map((option, each) => (
          <li
            key={option.id}
            id={`${id}-${each}`}
            role="option"
            aria-selected={each === at}
            // Not click: the field would lose the keyboard first.
            onPointerDown={(event) => {
              event.preventDefault()
              choose(option)
            }}
          >
            <PersonAvatar id={option.id} />
            <span class="clip">{option.name}</span>
          </li>
        ))}
      </ul>
    ),
  }
}
