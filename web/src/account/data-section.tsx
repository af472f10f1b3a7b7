import { useEffect } from 'preact/hooks'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { ApiProblem } from '../api/problem.ts'
import { words } from '../i18n/index.ts'
import { dateOf, momentOf } from '../i18n/time.ts'
import { Outcome, useAction } from '../ui/action.tsx'
import { useLoad } from '../ui/load.ts'

type DataExport = Schemas['DataExport']

const askAgainMs = 1_500

/** The file is fetched with the token, so it can't be a plain link. */
const download = async (exportId: string): Promise<void> => {
  const params = { path: { exportId } }
  const content = await ask(api.GET('/v1/users/me/exports/{exportId}/content', { params, parseAs: 'blob' }))
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = 'veza.json'
  link.click()
  URL.revokeObjectURL(url)
}

/** The newest export; undefined: none was asked for. */
const newest = async (): Promise<DataExport | undefined> => {
  try {
    return await ask(api.GET('/v1/users/me/export'))
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return undefined
    throw error
  }
}

const Export = () => {
  const [loaded, again] = useLoad('export', newest)
  const action = useAction()
  const { settings } = words.value
  const made = loaded.state === 'ready' ? loaded.value : undefined
  const isUnderWay = made?.state === 'queued' || made?.state === 'running'
  useEffect(() => {
    if (!isUnderWay) return
    const timer = setTimeout(again, askAgainMs)
    return () => {
      clearTimeout(timer)
    }
  }, [made])
  return (
    <>
      <p>{settings.exportWhy}</p>
      <div class="button-row">
        <button
          type="button"
          class="button"
          disabled={action.isBusy || isUnderWay}
          onClick={() => {
            action.run(async () => {
              await ask(api.POST('/v1/users/me/export', { params: { header: once() } }))
              again()
            })
          }}
        >
          {settings.exportAsk}
        </button>
        {made?.state === 'ready' && (
          <button
            type="button"
            class="button button-main"
            onClick={() => {
              action.run(() => download(made.id))
            }}
          >
            {settings.exportGet(momentOf(made.finishedAt ?? made.requestedAt))}
          </button>
        )}
        {isUnderWay && <progress max="1" value={made.progress} aria-label={settings.exportAsk} />}
        {action.problem !== undefined && <Outcome of={action} />}
      </div>
    </>
  )
}

/** What Veza has of somebody: a copy of it, and the end of it. */
export const DataSection = ({ me, changed }: { me: Schemas['Me']; changed: () => void }) => {
  const action = useAction()
  const { settings } = words.value
  return (
    <>
      <Export />
      <hr />
      <p>{me.erasureDueAt === null ? settings.eraseWhy : settings.eraseDue(dateOf(me.erasureDueAt))}</p>
      <div class="button-row">
        <button
          type="button"
          class={`button ${me.erasureDueAt === null ? 'button-danger' : ''}`}
          disabled={action.isBusy}
          onClick={() => {
            if (me.erasureDueAt === null && !confirm(settings.eraseSure)) return
            action.run(async () => {
              await (me.erasureDueAt === null
                ? ask(api.DELETE('/v1/users/me'))
                : ask(api.DELETE('/v1/users/me/erasure', { params: { header: once() } })))
              changed()
            })
          }}
        >
          {me.erasureDueAt === null ? settings.erase : settings.eraseNot}
        </button>
        {action.problem !== undefined && <Outcome of={action} />}
      </div>
    </>
  )
}
