import { useSignal } from '@preact/signals'
import { api, ask, once } from '../api/client.ts'
import { myId } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { Outcome, useAction } from '../ui/action.tsx'
import { Field } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'

/** Puts a track into a playlist of one's own. */
export const AddToPlaylist = ({ trackId }: { trackId: string }) => {
  const [loaded] = useLoad('playlists', () =>
    ask(api.GET('/v1/playlists', { params: { query: { owner: myId.value, limit: 100 } } })),
  )
  const chosen = useSignal('')
  const action = useAction()
  const { playlists } = words.value
  if (loaded.state !== 'ready' || loaded.value.playlists.length === 0) return null
  return (
    <form
      class="add-to-playlist"
      onSubmit={(event) => {
        event.preventDefault()
        if (chosen.value === '') return
        action.run(() => {
          const params = { path: { playlistId: chosen.value, trackId }, header: once() }
          return ask(api.PUT('/v1/playlists/{playlistId}/tracks/{trackId}', { params, body: {} }))
        })
      }}
    >
      <Field label={playlists.add}>
        {(field) => (
          <select
            {...field}
            value={chosen.value}
            onChange={(event) => {
              chosen.value = event.currentTarget.value
            }}
          >
            <option value="">–</option>
            {loaded.value.playlists.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <button type="submit" class="button" disabled={action.isBusy || chosen.value === ''}>
        {playlists.addNow}
      </button>
      <Outcome of={action} />
    </form>
  )
}
