import { useLocation, useRoute } from 'preact-iso/router'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { myId } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { PersonName } from '../people/people.tsx'
import { play } from '../player/player.ts'
import { Outcome, useAction } from '../ui/action.tsx'
import { Empty, IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { useLoad } from '../ui/load.ts'
import { Shown } from '../ui/pages.tsx'
import { Cover } from '../ui/pictures.tsx'
import { TrackList } from './track-list.tsx'

type Playlist = Schemas['PlaylistWithTracks']

/** Moves and removes: for its owner, by buttons that the keyboard reaches too. */
const Order = ({ playlist, changed }: { playlist: Playlist; changed: () => void }) => {
  const action = useAction()
  const { playlists } = words.value
  const params = (trackId: string) => ({ path: { playlistId: playlist.id, trackId }, header: once() })
  const path = '/v1/playlists/{playlistId}/tracks/{trackId}'
  const move = (trackId: string, position: number): void => {
    action.run(async () => {
      await ask(api.PUT(path, { params: params(trackId), body: { position } }))
      changed()
    })
  }
  return (
    <details class="card">
      <summary>{playlists.order}</summary>
      <ol class="playlist-order">
        {playlist.tracks.map(({ id, title }, at) => (
          <li key={id}>
            <span class="clip">{title}</span>
            <IconButton
              icon="up"
              label={playlists.up(title)}
              disabled={at === 0 || action.isBusy}
              onClick={() => {
                move(id, at - 1)
              }}
            />
            <IconButton
              icon="down"
              label={playlists.down(title)}
              disabled={at === playlist.tracks.length - 1 || action.isBusy}
              onClick={() => {
                move(id, at + 1)
              }}
            />
            <IconButton
              icon="close"
              label={playlists.take(title)}
              disabled={action.isBusy}
              onClick={() => {
                action.run(async () => {
                  await ask(api.DELETE(path, { params: params(id) }))
                  changed()
                })
              }}
            />
          </li>
        ))}
      </ol>
      {action.problem !== undefined && <Outcome of={action} />}
    </details>
  )
}

const Head = ({ playlist }: { playlist: Playlist }) => {
  const { route } = useLocation()
  const action = useAction()
  const { playlists, tracks } = words.value
  const [first] = playlist.tracks
  return (
    <header class="track-head">
      <Cover seed={playlist.id} class="cover-large" />
      <div class="track-title">
        <p class="quiet">{playlists.playlist}</p>
        <h1 dir="auto">{playlist.title}</h1>
        <p class="track-by">
          <a href={`/people/${playlist.ownerId}`}>
            <PersonName id={playlist.ownerId} />
          </a>{' '}
          · {playlists.length(playlist.length)}
        </p>
        <div class="button-row">
          {first !== undefined && (
            <button
              type="button"
              class="play-button play-button-large"
              aria-label={tracks.play(playlist.title)}
              onClick={() => {
                play(first, playlist.tracks)
              }}
            >
              <Icon name="play" />
            </button>
          )}
          {playlist.ownerId === myId.value && (
            <button
              type="button"
              class="button"
              onClick={() => {
                if (!confirm(playlists.removeSure)) return
                action.run(async () => {
                  const params = { path: { playlistId: playlist.id }, header: once() }
                  await ask(api.DELETE('/v1/playlists/{playlistId}', { params }))
                  route('/library?tab=playlists')
                })
              }}
            >
              <Icon name="trash" />
              {playlists.remove}
            </button>
          )}
          {action.problem !== undefined && <Outcome of={action} />}
        </div>
      </div>
    </header>
  )
}

export const PlaylistPage = () => {
  const { playlistId = '' } = useRoute().params
  const [loaded, again] = useLoad(playlistId, () =>
    ask(api.GET('/v1/playlists/{playlistId}', { params: { path: { playlistId } } })),
  )
  const { playlists } = words.value
  return (
    <div class="page">
      <Shown of={loaded} again={again}>
        {(playlist) => (
          <>
            <Head playlist={playlist} />
            {playlist.description !== '' && <p class="description">{playlist.description}</p>}
            {playlist.tracks.length === 0 ? (
              <Empty why={playlists.emptyWhy}>{playlists.empty}</Empty>
            ) : (
              <TrackList tracks={playlist.tracks} />
            )}
            {playlist.ownerId === myId.value && playlist.tracks.length > 0 && (
              <Order playlist={playlist} changed={again} />
            )}
          </>
        )}
      </Shown>
    </div>
  )
}
