import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { session, signOut } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { momentOf } from '../i18n/time.ts'
import { learnPerson } from '../people/people.tsx'
import { Outcome, useAction } from '../ui/action.tsx'
import { Field } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { Shown } from '../ui/pages.tsx'
import { asBody, PictureForm } from '../ui/picture-form.tsx'
import { Avatar } from '../ui/pictures.tsx'
import { DataSection } from './data-section.tsx'
import { LanguageChoice } from './language-choice.tsx'
import { chooseTheme, theme, themes } from './theme.ts'

type Me = Schemas['Me']

const Section = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <section class="card form">
    <h2>{title}</h2>
    {children}
  </section>
)

const Picture = ({ me, changed }: { me: Me; changed: () => void }) => {
  const put = async (file: File): Promise<void> => {
    await ask(api.PUT('/v1/users/me/avatar', { params: { header: once() }, ...asBody(file) }))
    changed()
  }
  const remove = async (): Promise<void> => {
    await ask(api.DELETE('/v1/users/me/avatar', { params: { header: once() } }))
    changed()
  }
  return (
    <PictureForm
      label={words.value.settings.picture}
      accept="image/png,image/jpeg,image/webp,image/gif,image/avif"
      put={put}
      remove={me.avatar === null ? undefined : remove}
    >
      <Avatar id={me.id} name={me.displayName} url={me.avatar?.['256']} />
    </PictureForm>
  )
}

const Profile = ({ me, changed }: { me: Me; changed: () => void }) => {
  const displayName = useSignal(me.displayName)
  const handle = useSignal(me.handle ?? '')
  const bio = useSignal(me.bio)
  const location = useSignal(me.location)
  const action = useAction()
  const { settings, sign, app } = words.value
  const save = async (): Promise<void> => {
    const body = {
      displayName: displayName.value.trim(),
      bio: bio.value,
      location: location.value.trim(),
      ...(handle.value.trim() !== '' && { handle: handle.value.trim() }),
    }
    const saved = await ask(api.PATCH('/v1/users/me', { params: { header: once() }, body }))
    learnPerson(saved.id, saved)
    changed()
  }
  const lines = [
    [sign.displayName, displayName, 100],
    [settings.handle, handle, 30],
    [settings.location, location, 100],
  ] as const
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        action.run(save)
      }}
    >
      {lines.map(([label, value, maxLength]) => (
        <Field key={label} label={label}>
          {(field) => (
            <input
              {...field}
              required={value === displayName}
              maxLength={maxLength}
              value={value.value}
              onInput={(event) => {
                value.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
      ))}
      <Field label={settings.bio}>
        {(field) => (
          <textarea
            {...field}
            rows={3}
            maxLength={1000}
            value={bio.value}
            onInput={(event) => {
              bio.value = event.currentTarget.value
            }}
          />
        )}
      </Field>
      <div class="button-row">
        <button type="submit" class="button button-main" disabled={action.isBusy}>
          {app.save}
        </button>
        <Outcome of={action} />
      </div>
    </form>
  )
}

const visibleTo = ['everyone', 'followers', 'nobody'] as const

const Privacy = ({ me, changed }: { me: Me; changed: () => void }) => {
  const action = useAction()
  const { settings } = words.value
  const change = (privacy: Partial<Me['privacy']>): void => {
    action.run(async () => {
      await ask(api.PATCH('/v1/users/me', { params: { header: once() }, body: { privacy } }))
      changed()
    })
  }
  const switches = [
    [settings.approveFollowers, 'approveFollowers'],
    [settings.searchable, 'searchable'],
  ] as const
  return (
    <>
      {switches.map(([label, name]) => (
        <label key={name} class="check">
          <input
            type="checkbox"
            checked={me.privacy[name]}
            onChange={(event) => {
              change({ [name]: event.currentTarget.checked })
            }}
          />
          {label}
        </label>
      ))}
      <Field label={settings.followsVisibleTo}>
        {(field) => (
          <select
            {...field}
            value={me.privacy.followsVisibleTo}
            onChange={(event) => {
              const followsVisibleTo = visibleTo.find((each) => each === event.currentTarget.value)
              if (followsVisibleTo !== undefined) change({ followsVisibleTo })
            }}
          >
            {visibleTo.map((each) => (
              <option key={each} value={each}>
                {settings.visibleTo[each]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Outcome of={action} />
    </>
  )
}

const Appearance = () => {
  const { settings } = words.value
  return (
    <>
      <div class="choices" role="radiogroup" aria-label={settings.theme}>
        {themes.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="theme"
              checked={theme.value === each}
              onChange={() => {
                chooseTheme(each)
              }}
            />
            {settings.themes[each]}
          </label>
        ))}
      </div>
      <LanguageChoice />
    </>
  )
}

const Password = () => {
  const currentPassword = useSignal('')
  const newPassword = useSignal('')
  const action = useAction()
  const { settings, sign } = words.value
  const fields = [
    [settings.currentPassword, currentPassword, 'current-password'],
    [settings.newPassword, newPassword, 'new-password'],
  ] as const
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        action.run(async () => {
          const body = { currentPassword: currentPassword.value, newPassword: newPassword.value }
          await ask(api.POST('/v1/auth/password/change', { body }))
          currentPassword.value = ''
          newPassword.value = ''
        })
      }}
    >
      {fields.map(([label, value, autocomplete]) => (
        <Field key={label} label={label} {...(value === newPassword && { hint: sign.passwordHint })}>
          {(field) => (
            <input
              {...field}
              type="password"
              autocomplete={autocomplete}
              required
              maxLength={256}
              value={value.value}
              onInput={(event) => {
                value.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
      ))}
      <div class="button-row">
        <button type="submit" class="button" disabled={action.isBusy}>
          {settings.changePassword}
        </button>
        <Outcome of={action} />
      </div>
    </form>
  )
}

const Sessions = () => {
  const [loaded, again] = useLoad('sessions', () => ask(api.GET('/v1/auth/sessions')))
  const action = useAction()
  const { settings } = words.value
  return (
    <Shown of={loaded} again={again}>
      {({ sessions }) => (
        <>
          <ul class="sessions">
            {sessions.map(({ id, current, client, address, refreshedAt }) => (
              <li key={id}>
                <span class="session-words">
                  <span class="clip strong">{client ?? settings.unknownClient}</span>
                  <span class="quiet">
                    {address === null ? '' : `${address} · `}
                    {momentOf(refreshedAt)}
                  </span>
                </span>
                {current ? (
                  <span class="badge">{settings.thisOne}</span>
                ) : (
                  <button
                    type="button"
                    class="button"
                    onClick={() => {
                      action.run(async () => {
                        const params = { path: { id }, header: once() }
                        await ask(api.DELETE('/v1/auth/sessions/{id}', { params }))
                        again()
                      })
                    }}
                  >
                    {settings.endSession}
                  </button>
                )}
              </li>
            ))}
          </ul>
          <div class="button-row">
            <button
              type="button"
              class="button"
              onClick={() => {
                action.run(async () => {
                  await ask(api.DELETE('/v1/auth/sessions'))
                  await signOut()
                })
              }}
            >
              {settings.endAll}
            </button>
            <Outcome of={action} />
          </div>
        </>
      )}
    </Shown>
  )
}

export const SettingsPage = () => {
  const [loaded, again] = useLoad('me', () => ask(api.GET('/v1/users/me')))
  const { settings } = words.value
  return (
    <div class="page page-narrow">
      <h1>{settings.title}</h1>
      <Section title={settings.appearance}>
        <Appearance />
      </Section>
      <Shown of={loaded} again={again}>
        {(me) => (
          <>
            <Section title={settings.profile}>
              <Picture me={me} changed={again} />
              <Profile me={me} changed={again} />
            </Section>
            <Section title={settings.privacy}>
              <Privacy me={me} changed={again} />
            </Section>
            <Section title={settings.security}>
              <p class="quiet">{session.value?.email}</p>
              <Password />
              <h3>{settings.sessions}</h3>
              <Sessions />
            </Section>
            <Section title={settings.data}>
              <DataSection me={me} changed={again} />
            </Section>
          </>
        )}
      </Shown>
    </div>
  )
}
