import { effect } from '@preact/signals'
import { person } from '../people/people.tsx'
import { current, duration, isPlaying, position, seek, skip, toggle } from './player.ts'

const step = 10

/** Where keys mean something else already. */
const isTaken = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest(
    'input, textarea, select, button, a, summary, dialog, [role="slider"], [contenteditable]',
  ) !== null

/** Space plays and pauses, wherever no control has the keyboard; with Shift the arrows go to other tracks. */
export const listenToKeys = (): void => {
  addEventListener('keydown', (event) => {
    if (isTaken(event.target) || event.altKey || event.ctrlKey || event.metaKey) return
    if (current.value === undefined) return
    if (event.key === ' ') toggle()
    else if (event.shiftKey && event.key === 'ArrowRight') skip(1)
    else if (event.shiftKey && event.key === 'ArrowLeft') skip(-1)
    else return
    event.preventDefault()
  })
}

/** Tells the system what plays, and lets its keys and lock screen act on it. */
export const speakToSystem = (): void => {
  if (!('mediaSession' in navigator)) return
  const { mediaSession } = navigator
  effect(() => {
    const track = current.value
    if (track === undefined) {
      mediaSession.metadata = null
      return
    }
    const owner = person(track.ownerId).value
    const name = owner === undefined || owner === 'gone' ? '' : owner.displayName
    mediaSession.metadata = new MediaMetadata({
      title: track.title,
      artist: track.artist ?? name,
      artwork: track.cover?.[320] === undefined ? [] : [{ src: track.cover[320], sizes: '320x320' }],
    })
  })
  effect(() => {
    mediaSession.playbackState = current.value === undefined ? 'none' : isPlaying.value ? 'playing' : 'paused'
  })
  effect(() => {
    if (duration.value > 0 && position.value <= duration.value)
      mediaSession.setPositionState({ duration: duration.value, position: position.value })
  })
  mediaSession.setActionHandler('play', toggle)
  mediaSession.setActionHandler('pause', toggle)
  mediaSession.setActionHandler('nexttrack', () => {
    skip(1)
  })
  mediaSession.setActionHandler('previoustrack', () => {
    skip(-1)
  })
  mediaSession.setActionHandler('seekbackward', ({ seekOffset }) => {
    seek(position.value - (seekOffset ?? step))
  })
  mediaSession.setActionHandler('seekforward', ({ seekOffset }) => {
    seek(position.value + (seekOffset ?? step))
  })
  mediaSession.setActionHandler('seekto', ({ seekTime }) => {
    if (seekTime !== undefined) seek(seekTime)
  })
}
