import { useSignal } from '@preact/signals'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { sayProblem, words } from '../i18n/index.ts'

/** Something that is being done on somebody's word. */
export interface Action {
  readonly problem: ApiProblem | undefined
  readonly isBusy: boolean
  readonly isDone: boolean
  /** Does it; what goes wrong is the problem. */
  run(work: () => Promise<unknown>): void
}

export const useAction = (): Action => {
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const isBusy = useSignal(false)
  const isDone = useSignal(false)
  return {
    problem: problem.value,
    isBusy: isBusy.value,
    isDone: isDone.value,
    run(work) {
      problem.value = undefined
      isBusy.value = true
      isDone.value = false
      work()
        .then(() => {
          isDone.value = true
        })
        .catch((error: unknown) => {
          problem.value = asProblem(error)
        })
        .finally(() => {
          isBusy.value = false
        })
    },
  }
}

/** What became of it, beside the button that began it. */
export const Outcome = ({ of }: { of: Action }) => (
  <span class={of.problem === undefined ? 'quiet outcome' : 'problem-text outcome'} role="status">
    {of.problem !== undefined ? sayProblem(of.problem) : of.isDone ? words.value.app.saved : ''}
  </span>
)

/** A button that acts on one of many, whom its label names to those who don't see where it stands. */
export const ActionButton = ({
  action,
  label,
  about,
  work,
}: {
  action: Action
  label: string
  about: string
  work: () => Promise<unknown>
}) => (
  <button
    type="button"
    class="button"
    aria-label={`${label}: ${about}`}
    disabled={action.isBusy}
    onClick={() => {
      action.run(work)
    }}
  >
    {label}
  </button>
)

/** Finds reports unfounded, with a note for the audit by whoever wants to leave one. */
export const Dismissal = ({
  about,
  work,
}: {
  about: string
  work: (body: { note?: string }) => Promise<unknown>
}) => {
  const note = useSignal('')
  const action = useAction()
  const { moderation } = words.value
  return (
    <form
      class="dismissal"
      onSubmit={(event) => {
        event.preventDefault()
        const text = note.value.trim()
        action.run(() => work(text === '' ? {} : { note: text }))
      }}
    >
      <input
        aria-label={`${moderation.note}: ${about}`}
        placeholder={moderation.note}
        maxLength={1000}
        value={note.value}
        onInput={(event) => {
          note.value = event.currentTarget.value
        }}
      />
      <button
        type="submit"
        class="button"
        aria-label={`${moderation.dismiss}: ${about}`}
        disabled={action.isBusy}
      >
        {moderation.dismiss}
      </button>
      {action.problem !== undefined && <Outcome of={action} />}
    </form>
  )
}
