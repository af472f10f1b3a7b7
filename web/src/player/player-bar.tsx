import { useState } from 'preact/hooks'
import { sayProblem, words } from '../i18n/index.ts'
import { clock } from '../i18n/time.ts'
import { PersonName } from '../people/people.tsx'
import { IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { Cover } from '../ui/pictures.tsx'
import {
  current,
  duration,
  isMuted,
  isPlaying,
  isWaiting,
  playerProblem,
  position,
  queue,
  seek,
  setVolume,
  skip,
  toggle,
  toggleMuted,
  unqueue,
  volume,
} from './player.ts'

const Position = () => {
  const { tracks } = words.value
  const total = duration.value
  return (
    <div class="player-position">
      <span class="time">{clock(position.value)}</span>
      <input
        type="range"
        min="0"
        max={Math.max(1, Math.floor(total))}
        step="1"
        value={Math.floor(position.value)}
        aria-label={tracks.seek}
        aria-valuetext={tracks.of(clock(position.value), clock(total))}
        style={{ '--done': `${total === 0 ? 0 : (position.value / total) * 100}%` }}
        onInput={(event) => {
          seek(Number(event.currentTarget.value))
        }}
      />
      <span class="time">{clock(total)}</span>
    </div>
  )
}

const Queue = () => {
  const { player } = words.value
  const { items, at } = queue.value
  const coming = items.slice(at + 1)
  return (
    <section class="queue" aria-label={player.queue}>
      <h2>{player.queue}</h2>
      {coming.length === 0 ? (
        <p class="quiet">{player.queueEmpty}</p>
      ) : (
        <ol>
          {coming.map((track, index) => (
            <li key={`${track.id}${index}`}>
              <Cover seed={track.id} url={track.cover?.[96]} />
              <span class="clip">{track.title}</span>
              <IconButton
                icon="close"
                label={player.remove(track.title)}
                onClick={() => {
                  unqueue(at + 1 + index)
                }}
              />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

/** The player that stays while pages change. */
export const PlayerBar = () => {
  const [isQueueShown, setQueueShown] = useState(false)
  const track = current.value
  if (track === undefined) return null
  const { player } = words.value
  const isOn = isPlaying.value || isWaiting.value
  const problem = playerProblem.value
  return (
    <section class="player" aria-label={player.title}>
      {isQueueShown && <Queue />}
      <a class="player-track" href={`/tracks/${track.id}`}>
        <Cover seed={track.id} url={track.cover?.[96]} />
        <span class="player-names">
          <span class="clip strong">{track.title}</span>
          <span class="clip quiet">{track.artist ?? <PersonName id={track.ownerId} />}</span>
        </span>
      </a>
      <div class="player-middle">
        <div class="player-buttons">
          <IconButton
            icon="previous"
            label={player.previous}
            full
            onClick={() => {
              skip(-1)
            }}
          />
          <button
            type="button"
            class={`play-button ${isWaiting.value ? 'is-waiting' : ''}`}
            aria-label={isOn ? player.pause : player.play}
            onClick={toggle}
          >
            <Icon name={isOn ? 'pause' : 'play'} />
          </button>
          <IconButton
            icon="next"
            label={player.next}
            full
            disabled={queue.value.items[queue.value.at + 1] === undefined}
            onClick={() => {
              skip(1)
            }}
          />
        </div>
        {problem === undefined ? (
          <Position />
        ) : (
          <p class="player-problem" role="alert">
            {problem.code === 'internal' ? player.failed : sayProblem(problem)}
          </p>
        )}
      </div>
      <div class="player-side">
        <IconButton
          icon={isMuted.value ? 'muted' : 'volume'}
          label={isMuted.value ? player.unmute : player.mute}
          onClick={toggleMuted}
        />
        <input
          type="range"
          class="volume"
          min="0"
          max="100"
          value={Math.round((isMuted.value ? 0 : volume.value) * 100)}
          style={{ '--done': `${(isMuted.value ? 0 : volume.value) * 100}%` }}
          aria-label={player.volume}
          onInput={(event) => {
            setVolume(Number(event.currentTarget.value) / 100)
          }}
        />
        <IconButton
          icon="queue"
          label={player.queue}
          aria-expanded={isQueueShown}
          onClick={() => {
            setQueueShown(!isQueueShown)
          }}
        />
      </div>
    </section>
  )
}
