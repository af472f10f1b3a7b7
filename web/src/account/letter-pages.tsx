import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { type Action, useAction } from '../ui/action.tsx'
import { Field, Loading, ProblemNote } from '../ui/controls.tsx'
import { Wordmark } from '../ui/wordmark.tsx'

/** What stands behind # in a letter's link. It is taken out of the address, which browsers keep and people share. */
const takeToken = (): string => {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
  history.replaceState(null, '', location.pathname)
  return token
}

const Letter = ({
  title,
  action,
  children,
}: {
  title: string
  action: Action
  children: ComponentChildren
}) => (
  <main class="sign" id="content">
    <Wordmark />
    <div class="card sign-form">
      <h1>{title}</h1>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      {children}
      <a class="sign-other link" href="/">
        {words.value.app.toHome}
      </a>
    </div>
  </main>
)

/** Where the letter leads that proves an address. */
export const VerifyEmailPage = () => {
  const [token] = useState(takeToken)
  const action = useAction()
  const { letters } = words.value
  useEffect(() => {
    action.run(() => ask(api.POST('/v1/auth/email/verify', { body: { token } })))
  }, [token])
  return (
    <Letter title={letters.verify} action={action}>
      {action.isBusy && <Loading />}
      {action.isDone && <p role="status">{letters.verified}</p>}
    </Letter>
  )
}

/** Where one asks for a letter by which a new password is chosen. */
export const ForgotPasswordPage = () => {
  const email = useSignal('')
  const action = useAction()
  const { letters, sign } = words.value
  return (
    <Letter title={letters.forgot} action={action}>
      {action.isDone ? (
        <p role="status">{letters.sent}</p>
      ) : (
        <form
          class="form"
          onSubmit={(event) => {
            event.preventDefault()
            action.run(() => ask(api.POST('/v1/auth/password/forgot', { body: { email: email.value } })))
          }}
        >
          <Field label={sign.email} hint={letters.forgotHint}>
            {(field) => (
              <input
                {...field}
                type="email"
                autocomplete="username"
                required
                value={email.value}
                onInput={(event) => {
                  email.value = event.currentTarget.value
                }}
              />
            )}
          </Field>
          <button type="submit" class="button button-main" disabled={action.isBusy}>
            {letters.send}
          </button>
        </form>
      )}
    </Letter>
  )
}

/** Where that letter leads. */
export const ResetPasswordPage = () => {
  const [token] = useState(takeToken)
  const password = useSignal('')
  const action = useAction()
  const { letters, sign, settings } = words.value
  return (
    <Letter title={letters.reset} action={action}>
      {action.isDone ? (
        <p role="status">{letters.resetDone}</p>
      ) : (
        <form
          class="form"
          onSubmit={(event) => {
            event.preventDefault()
            const body = { token, password: password.value }
            action.run(() => ask(api.POST('/v1/auth/password/reset', { body })))
          }}
        >
          <Field label={settings.newPassword} hint={sign.passwordHint}>
            {(field) => (
              <input
                {...field}
                type="password"
                autocomplete="new-password"
                required
                minLength={8}
                maxLength={256}
                value={password.value}
                onInput={(event) => {
                  password.value = event.currentTarget.value
                }}
              />
            )}
          </Field>
          <button type="submit" class="button button-main" disabled={action.isBusy}>
            {settings.changePassword}
          </button>
        </form>
      )}
    </Letter>
  )
}
