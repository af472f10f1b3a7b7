import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useLocation, useRoute } from 'preact-iso/router'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { myId } from '../api/session.ts'
import { roomName } from '../chat/room-links.tsx'
import { RoomView } from '../chat/room-page.tsx'
import { myRooms } from '../chat/rooms.ts'
import { sayProblem, words } from '../i18n/index.ts'
import { ago, clock } from '../i18n/time.ts'
import { onOwn } from '../live/connection.ts'
import { PersonName } from '../people/people.tsx'
import { enqueue, playFrom } from '../player/player.ts'
import { Field, IconButton, Loading, ProblemNote } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { useLoad } from '../ui/load.ts'
import { Cover } from '../ui/pictures.tsx'
import { AddToPlaylist } from './add-to-playlist.tsx'
import { DueComment } from './due-comment.tsx'
import { Listening } from './listening.tsx'
import { TrackEdit } from './track-edit.tsx'
import { PlayButton } from './track-list.tsx'
import { Waveform } from './waveform.tsx'

type Shown = Schemas['TrackWithLikes']

const Like = ({ track }: { track: Shown }) => {
  const liked = useSignal(track.liked)
  const others = track.likes - (track.liked ? 1 : 0)
  const { tracks } = words.value
  const toggle = async (): Promise<void> => {
    const wanted = !liked.value
    liked.value = wanted
    const path = '/v1/tracks/{trackId}/like'
    const request = { params: { path: { trackId: track.id }, header: once() } }
    try {
      await ask(wanted ? api.PUT(path, request) : api.DELETE(path, request))
    } catch {
      liked.value = !wanted
    }
  }
  const count = others + (liked.value ? 1 : 0)
  return (
    <button
      type="button"
      class="button like"
      aria-pressed={liked.value}
      aria-label={`${liked.value ? tracks.unlike : tracks.like}, ${tracks.likes(count)}`}
      onClick={() => void toggle()}
    >
      <Icon name="heart" full={liked.value} />
      {count}
    </button>
  )
}

/** How far the making of a track is, as its owner is told. */
const Progress = ({ track, settled }: { track: Shown; settled: () => void }) => {
  const percent = useSignal(0)
  useEffect(
    () =>
      onOwn((publication) => {
        if (publication.type !== 'track' || publication.trackId !== track.id) return
        percent.value = publication.percent
        if (publication.status !== 'processing') settled()
      }),
    [track.id, settled],
  )
  return (
    <div class="track-progress">
      <p role="status">{words.value.uploads.preparing(percent.value)}</p>
      <progress max="100" value={percent.value} aria-label={words.value.uploads.progress(track.title)} />
    </div>
  )
}

const talkRoomKey = 'veza.talk-room'

/** A room of one's own beside the track: what is said there says which track it is about. */
const Talk = ({ track }: { track: Shown }) => {
  const rooms = myRooms.value ?? []
  const chosen = useSignal(localStorage.getItem(talkRoomKey) ?? '')
  const { tracks } = words.value
  const roomId = rooms.some(({ id }) => id === chosen.value) ? chosen.value : ''
  return (
    <aside class="talk card" aria-labelledby="talk">
      <h2 id="talk">{tracks.talk}</h2>
      <Field label={tracks.chooseRoom}>
        {(field) => (
          <select
            {...field}
            value={roomId}
            onChange={(event) => {
              chosen.value = event.currentTarget.value
              localStorage.setItem(talkRoomKey, chosen.value)
            }}
          >
            <option value="">–</option>
            {rooms.map((room) => (
              <option key={room.id} value={room.id}>
                {roomName(room)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {roomId === '' ? (
        <p class="quiet">{tracks.chooseRoomHint}</p>
      ) : (
        <RoomView key={roomId} roomId={roomId} trackId={track.id} />
      )}
    </aside>
  )
}

const Facts = ({ track }: { track: Shown }) => {
  const { tracks } = words.value
  return (
    <>
      {track.description !== '' && (
        <p class="description" dir="auto">
          {track.description}
        </p>
      )}
      <ul class="tags">
        {track.genre !== null && <li>{track.genre}</li>}
        {track.tags.map((tag) => (
          <li key={tag}>#{tag}</li>
        ))}
      </ul>
      <p class="quiet">
        {track.visibility === 'public' ? '' : `${tracks.visibilities[track.visibility]} · `}
        {tracks.published(ago(track.publishedAt ?? track.uploadedAt))}
        {track.duration === null ? '' : ` · ${clock(track.duration)}`}
      </p>
    </>
  )
}

const Owned = ({ track, changed }: { track: Shown; changed: () => void }) => {
  const { route } = useLocation()
  const isEditing = useSignal(false)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { tracks } = words.value
  const remove = async (): Promise<void> => {
    if (!confirm(tracks.removeSure)) return
    try {
      const params = { path: { trackId: track.id }, header: once() }
      await ask(api.DELETE('/v1/tracks/{trackId}', { params }))
      route('/')
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  if (isEditing.value)
    return (
      <TrackEdit
        track={track}
        done={() => {
          isEditing.value = false
          changed()
        }}
      />
    )
  return (
    <div class="button-row">
      <button
        type="button"
        class="button"
        onClick={() => {
          isEditing.value = true
        }}
      >
        <Icon name="edit" />
        {tracks.edit}
      </button>
      <button type="button" class="button" onClick={() => void remove()}>
        <Icon name="trash" />
        {tracks.remove}
      </button>
      {problem.value !== undefined && <ProblemNote problem={problem.value} />}
    </div>
  )
}

export const TrackPage = () => {
  const { params, query } = useRoute()
  const { trackId = '' } = params
  const [loaded, again] = useLoad(trackId, () =>
    ask(api.GET('/v1/tracks/{trackId}', { params: { path: { trackId } } })),
  )
  // A link to a place in the track.
  const from = Number(query['at'] ?? Number.NaN)
  const isReady = loaded.state === 'ready' && loaded.value.status === 'ready'
  useEffect(() => {
    if (isReady && from >= 0) playFrom(loaded.value, from)
  }, [trackId, isReady, from])
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed')
    return (
      <div class="page">
        <ProblemNote problem={loaded.problem} again={again} />
      </div>
    )
  const track = loaded.value
  const { tracks } = words.value
  return (
    <div class="page page-track">
      <div class="track-main">
        <header class="track-head">
          <Cover seed={track.id} url={track.cover?.[320]} class="cover-large" />
          <div class="track-title">
            <h1 dir="auto">{track.title}</h1>
            <p class="track-by">
              {track.artist !== null && <span dir="auto">{track.artist} · </span>}
              <a href={`/people/${track.ownerId}`}>
                <PersonName id={track.ownerId} />
              </a>
            </p>
            <div class="button-row">
              {track.status === 'ready' && <PlayButton track={track} large />}
              <Like key={`${track.id}${track.liked ? 1 : 0}`} track={track} />
              {track.status === 'ready' && (
                <IconButton
                  icon="queue"
                  label={tracks.addToQueue}
                  onClick={() => {
                    enqueue(track)
                  }}
                />
              )}
            </div>
          </div>
        </header>
        {track.status === 'ready' && <Waveform track={track} />}
        {track.status === 'ready' && <DueComment trackId={track.id} />}
        {track.status === 'processing' && <Progress track={track} settled={again} />}
        {track.status === 'failed' && (
          <div class="note note-problem">
            <p>
              {tracks.failed}. {sayProblem({ code: track.failure?.code ?? 'internal', status: 0 })}
            </p>
          </div>
        )}
        {track.status === 'ready' && <Listening trackId={track.id} />}
        <Facts track={track} />
        {track.status === 'ready' && <AddToPlaylist key={track.id} trackId={track.id} />}
        {track.ownerId === myId.value && <Owned track={track} changed={again} />}
      </div>
      <Talk track={track} />
    </div>
  )
}
