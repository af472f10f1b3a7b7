import { type ButtonHTMLAttributes, type ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { type ApiProblem } from '../api/problem.ts'
import { sayProblem, words } from '../i18n/index.ts'
import { Icon, type IconName } from './icon.tsx'

/** A button that shows an icon alone; its label is what is read out, and shown when it is pointed at. */
export const IconButton = ({
  icon,
  label,
  full,
  class: name = '',
  ...rest
}: { icon: IconName; label: string; full?: boolean; class?: string } & Omit<
  ButtonHTMLAttributes,
  'icon' | 'label' | 'class'
>) => (
  <button type="button" class={`icon-button ${name}`} aria-label={label} title={label} {...rest}>
    <Icon name={icon} {...(full === undefined ? {} : { full })} />
  </button>
)

/** A field of a form with its label above and its hint below. */
export const Field = ({
  label,
  hint,
  children,
}: {
  label: string
  hint?: string
  children: (attributes: { id: string; 'aria-describedby': string | undefined }) => ComponentChildren
}) => {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': hint === undefined ? undefined : `${id}-hint` })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** What went wrong, said at once to those who listen to the page. */
export const ProblemNote = ({
  problem,
  again,
}: {
  problem: ApiProblem
  again?: (() => void) | undefined
}) => (
  <div class="note note-problem" role="alert">
    <p>{sayProblem(problem)}</p>
    {again !== undefined && (
      <button type="button" class="button" onClick={again}>
        {words.value.app.tryAgain}
      </button>
    )}
  </div>
)

/** Stands where something is on its way. */
export const Loading = () => (
  <div class="loading" role="status">
    <span class="hidden">{words.value.app.loading}</span>
  </div>
)

/** Says that there is nothing, and what to do about it. */
export const Empty = ({ children, why }: { children: ComponentChildren; why?: string }) => (
  <div class="empty">
    <p class="empty-what">{children}</p>
    {why !== undefined && <p>{why}</p>}
  </div>
)
