import { useSignal } from '@preact/signals'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { endedBy, signIn, signUp } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { LanguageChoice } from './language-choice.tsx'
import { Field, ProblemNote } from '../ui/controls.tsx'
import { Wordmark } from '../ui/wordmark.tsx'

/** Where those arrive who are not signed in. What was typed stays whatever the answer is. */
export const SignPage = () => {
  const isNew = useSignal(false)
  const email = useSignal('')
  const password = useSignal('')
  const displayName = useSignal('')
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const isBusy = useSignal(false)
  const { sign } = words.value

  const submit = async (): Promise<void> => {
    isBusy.value = true
    problem.value = undefined
    const credentials = { email: email.value, password: password.value }
    try {
      await (isNew.value ? signUp({ ...credentials, displayName: displayName.value }) : signIn(credentials))
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      isBusy.value = false
    }
  }

  return (
    <main class="sign" id="content">
      <div class="sign-lead">
        <Wordmark />
        <p>{sign.lead}</p>
      </div>
      <form
        class="card sign-form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <h1>{isNew.value ? sign.up : sign.in}</h1>
        {endedBy.value !== undefined && problem.value === undefined && (
          <p class="note" role="status">
            {sign.ended}
          </p>
        )}
        {isNew.value && (
          <Field label={sign.displayName} hint={sign.displayNameHint}>
            {(field) => (
              <input
                {...field}
                name="name"
                autocomplete="name"
                required
                maxLength={100}
                value={displayName.value}
                onInput={(event) => {
                  displayName.value = event.currentTarget.value
                }}
              />
            )}
          </Field>
        )}
        <Field label={sign.email}>
          {(field) => (
            <input
              {...field}
              type="email"
              name="email"
              autocomplete="username"
              required
              value={email.value}
              onInput={(event) => {
                email.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
        <Field label={sign.password} {...(isNew.value && { hint: sign.passwordHint })}>
          {(field) => (
            <input
              {...field}
              type="password"
              name="password"
              autocomplete={isNew.value ? 'new-password' : 'current-password'}
              required
              minLength={isNew.value ? 8 : 1}
              maxLength={256}
              value={password.value}
              onInput={(event) => {
                password.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
        {problem.value !== undefined && <ProblemNote problem={problem.value} />}
        <button type="submit" class="button button-main" disabled={isBusy.value}>
          {isBusy.value ? sign.working : isNew.value ? sign.up : sign.in}
        </button>
        {!isNew.value && (
          <a class="sign-other link" href="/forgot-password">
            {words.value.letters.forgotLink}
          </a>
        )}
        <p class="sign-other">
          {isNew.value ? sign.haveAccount : sign.newHere}{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              isNew.value = !isNew.value
              problem.value = undefined
            }}
          >
            {isNew.value ? sign.in : sign.up}
          </button>
        </p>
      </form>
      <LanguageChoice />
    </main>
  )
}
