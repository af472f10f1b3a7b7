import { useSignal } from '@preact/signals'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { sayProblem, words } from '../i18n/index.ts'

/** A text that is written about a message, in its place. What is refused stays, with the reason. */
export const Writing = ({
  label,
  begin,
  maxLength,
  go,
  send,
  done,
}: {
  label: string
  /** What stands in it at first. */
  begin: string
  maxLength: number
  /** What its button says. */
  go: string
  send: (text: string) => Promise<void>
  done: () => void
}) => {
  const text = useSignal(begin)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { app } = words.value
  const save = async (): Promise<void> => {
    try {
      await send(text.value.trim())
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
        aria-label={label}
        placeholder={label}
        rows={2}
        maxLength={maxLength}
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
      <button type="submit" class="button button-main" disabled={text.value.trim() === ''}>
        {go}
      </button>
      <button type="button" class="button" onClick={done}>
        {app.cancel}
      </button>
    </form>
  )
}
