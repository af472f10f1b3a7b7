import { type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { clock } from '../i18n/time.ts'
import { PersonName } from '../people/people.tsx'
import { current, enqueue, isPlaying, play, toggle } from '../player/player.ts'
import { IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { Cover } from '../ui/pictures.tsx'

export type Track = Schemas['Track']

/** Plays a track, or pauses it when it is the one that plays. */
export const PlayButton = ({
  track,
  list,
  large = false,
}: {
  track: Track
  list?: readonly Track[]
  large?: boolean
}) => {
  const { tracks } = words.value
  const isCurrent = current.value?.id === track.id
  const isOn = isCurrent && isPlaying.value
  return (
    <button
      type="button"
      class={`play-button ${large ? 'play-button-large' : ''}`}
      aria-label={isOn ? tracks.pause(track.title) : tracks.play(track.title)}
      onClick={() => {
        if (isCurrent) toggle()
        else
          play(
            track,
            list?.filter(({ status }) => status === 'ready'),
          )
      }}
    >
      <Icon name={isOn ? 'pause' : 'play'} />
    </button>
  )
}

const Row = ({ track, list }: { track: Track; list: readonly Track[] }) => {
  const { tracks } = words.value
  const isReady = track.status === 'ready'
  return (
    <li class={`track-row ${current.value?.id === track.id ? 'is-current' : ''}`}>
      <div class="track-cover">
        <Cover seed={track.id} url={track.cover?.[96]} />
        {isReady && <PlayButton track={track} list={list} />}
      </div>
      <div class="track-names">
        <a class="clip strong" href={`/tracks/${track.id}`}>
          {track.title}
        </a>
        <a class="clip quiet" href={`/people/${track.ownerId}`}>
          <PersonName id={track.ownerId} />
        </a>
      </div>
      {isReady ? (
        <>
          <span class="quiet time">{track.duration === null ? '' : clock(track.duration)}</span>
          <IconButton
            icon="queue"
            label={`${tracks.addToQueue}: ${track.title}`}
            onClick={() => {
              enqueue(track)
            }}
          />
        </>
      ) : (
        <span class={`badge ${track.status === 'failed' ? 'badge-problem' : ''}`}>
          {track.status === 'failed' ? tracks.failed : tracks.processing}
        </span>
      )}
    </li>
  )
}

export const TrackList = ({ tracks }: { tracks: readonly Track[] }) => (
  <ul class="track-list">
    {tracks.map((track) => (
      <Row key={track.id} track={track} list={tracks} />
    ))}
  </ul>
)
