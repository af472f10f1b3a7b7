import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso/router'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { myId } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { onOwn } from '../live/connection.ts'
import { Outcome, useAction } from '../ui/action.tsx'
import { Empty, Field } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { Paged } from '../ui/pages.tsx'
import { Cover } from '../ui/pictures.tsx'
import { UploadButton } from '../uploads/upload-panel.tsx'
import { TrackList } from './track-list.tsx'
import { useEffect } from 'preact/hooks'

export const PlaylistLinks = ({ playlists }: { playlists: readonly Schemas['Playlist'][] }) => (
  <ul class="playlists">
    {playlists.map((playlist) => (
      <li key={playlist.id}>
        <a class="playlist-card" href={`/playlists/${playlist.id}`}>
          <Cover seed={playlist.id} />
          <span class="clip strong">{playlist.title}</span>
          <span class="quiet">{words.value.playlists.length(playlist.length)}</span>
        </a>
      </li>
    ))}
  </ul>
)

const NewPlaylist = () => {
  const { route } = useLocation()
  const title = useSignal('')
  const action = useAction()
  const { playlists } = words.value
  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault()
        action.run(async () => {
          const body = { title: title.value.trim(), visibility: 'private' as const }
          const { id } = await ask(api.POST('/v1/playlists', { body, params: { header: once() } }))
          route(`/playlists/${id}`)
        })
      }}
    >
      <h2>{playlists.create}</h2>
      <Field label={playlists.title}>
        {(field) => (
          <input
            {...field}
            required
            maxLength={200}
            value={title.value}
            onInput={(event) => {
              title.value = event.currentTarget.value
            }}
          />
        )}
      </Field>
      <button type="submit" class="button button-main" disabled={action.isBusy}>
        {playlists.create}
      </button>
      {action.problem !== undefined && <Outcome of={action} />}
    </form>
  )
}

const tabs = ['mine', 'liked', 'playlists'] as const

const Tracks = ({ scope }: { scope: 'mine' | 'liked' }) => {
  const { library } = words.value
  // What is being prepared becomes ready while one looks.
  const settled = useSignal(0)
  useEffect(
    () =>
      onOwn((publication) => {
        if (publication.type === 'track' && publication.status !== 'processing') settled.value += 1
      }),
    [],
  )
  return (
    <Paged
      name={`${scope} ${settled.value}`}
      empty={<Empty>{library.empty[scope]}</Empty>}
      load={async (cursor) => {
        const query = { scope, ...(cursor !== undefined && { cursor }) }
        const { tracks, next } = await ask(api.GET('/v1/tracks', { params: { query } }))
        return { items: tracks, next }
      }}
    >
      {(tracks) => <TrackList tracks={tracks} />}
    </Paged>
  )
}

const Playlists = () => (
  <div class="columns">
    <section>
      <Paged
        name="playlists"
        empty={<Empty>{words.value.library.empty.playlists}</Empty>}
        load={async (cursor) => {
          const query = { owner: myId.value, ...(cursor !== undefined && { cursor }) }
          const { playlists, next } = await ask(api.GET('/v1/playlists', { params: { query } }))
          return { items: playlists, next }
        }}
      >
        {(playlists) => <PlaylistLinks playlists={playlists} />}
      </Paged>
    </section>
    <aside class="aside">
      <NewPlaylist />
    </aside>
  </div>
)

export const LibraryPage = () => {
  const { query } = useLocation()
  const tab = tabs.find((each) => each === query['tab']) ?? 'mine'
  const { library } = words.value
  return (
    <div class="page">
      <header class="page-head">
        <h1>{library.title}</h1>
        <UploadButton />
      </header>
      <nav class="tabs" aria-label={library.title}>
        {tabs.map((each) => (
          <a key={each} href={`/library?tab=${each}`} aria-current={each === tab ? 'page' : undefined}>
            {each === 'liked' && <Icon name="heart" />}
            {library.tabs[each]}
          </a>
        ))}
      </nav>
      {tab === 'playlists' ? <Playlists /> : <Tracks key={tab} scope={tab} />}
    </div>
  )
}
