import { useMemo, useRef } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { commentsOf } from '../chat/comments.ts'
import { words } from '../i18n/index.ts'
import { clock } from '../i18n/time.ts'
import { current, type Playable, playFrom, position, seek } from '../player/player.ts'
import { useLoad } from '../ui/load.ts'
import { barsOf } from './bars.ts'

const bars = 120
const height = 100

const pathOf = (heights: readonly number[]): string =>
  heights
    .map((share, at) => {
      const half = Math.max(1.5, (share * (height - 6)) / 2)
      return `M${at * 4 + 2} ${height / 2 - half}V${height / 2 + half}`
    })
    .join('')

const small = 5
const large = 30

/** The shape of a track's sound, as the bar by which one goes to a place in it. */
export const Waveform = ({ track }: { track: Playable }) => {
  const [loaded] = useLoad(track.id, () =>
    ask(api.GET('/v1/tracks/{trackId}/waveform', { params: { path: { trackId: track.id } } })),
  )
  const bar = useRef<HTMLDivElement>(null)
  // The same in bytes is another form of it, which was not asked for.
  const data = loaded.state === 'ready' && typeof loaded.value !== 'string' ? loaded.value.data : undefined
  const path = useMemo(() => pathOf(barsOf(data ?? [], bars)), [data])
  const { tracks } = words.value
  const total = track.duration ?? 0
  const isCurrent = current.value?.id === track.id
  const at = isCurrent ? position.value : 0

  const goTo = (seconds: number): void => {
    if (isCurrent) seek(seconds)
    else playFrom(track, seconds)
  }
  const goToPointer = (event: PointerEvent): void => {
    const box = bar.current?.getBoundingClientRect()
    if (box !== undefined) goTo(((event.clientX - box.left) / box.width) * total)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Partial<Record<string, number>> = {
      ArrowRight: at + small,
      ArrowUp: at + small,
      ArrowLeft: at - small,
      ArrowDown: at - small,
      PageUp: at + large,
      PageDown: at - large,
      Home: 0,
      End: total,
    }
    const to = steps[event.key]
    if (to === undefined) return
    event.preventDefault()
    goTo(to)
  }
  return (
    <div
      ref={bar}
      class="waveform"
      role="slider"
      tabIndex={0}
      aria-label={tracks.seek}
      aria-valuemin={0}
      aria-valuemax={Math.round(total)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={tracks.of(clock(at), clock(total))}
      style={{ '--done': `${total === 0 ? 0 : (at / total) * 100}%` }}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        goToPointer(event)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) goToPointer(event)
      }}
    >
      <svg viewBox={`0 0 ${bars * 4} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <svg class="done" viewBox={`0 0 ${bars * 4} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      {commentsOf(track.id).map(({ messageId, atMs }) => (
        <span
          key={messageId}
          class="place"
          style={{ '--at': `${total === 0 ? 0 : Math.min(100, atMs / total / 10)}%` }}
        />
      ))}
    </div>
  )
}
