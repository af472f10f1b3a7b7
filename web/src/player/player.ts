import { batch, computed, signal } from '@preact/signals'
import type Hls from 'hls.js/light'
import { api, ask } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { readPosition, writePosition } from './positions.ts'

/** What the player needs to know of a track. */
export interface Playable {
  readonly id: string
  readonly ownerId: string
  readonly title: string
  readonly artist: string | null
  readonly cover: { readonly 96?: string; readonly 320?: string } | null
  /** Seconds. */
  readonly duration: number | null
}

interface Queue {
  readonly items: readonly Playable[]
  readonly at: number
}

export const queue = signal<Queue>({ items: [], at: 0 })
export const current = computed(() => queue.value.items[queue.value.at])
export const isPlaying = signal(false)
/** Whether sound is wanted, and not there yet. */
export const isWaiting = signal(false)
/** Seconds. */
export const position = signal(0)
export const duration = computed(() => current.value?.duration ?? 0)
export const volume = signal(1)
export const isMuted = signal(false)
export const playerProblem = signal<ApiProblem | undefined>(undefined)

const reportEveryMs = 10_000

const audio = new Audio()
audio.preload = 'auto'
let hls: Hls | undefined
let sessionId: string | undefined
/** Counts what was asked to play; an answer for an earlier one is not played. */
let turn = 0
let resumedAt = 0

const report = (state: 'playing' | 'paused' | 'ended'): void => {
  if (sessionId === undefined) return
  const body = { sessionId, position: Math.max(0, audio.currentTime), state }
  ask(api.POST('/v1/listening', { body })).catch(() => undefined)
}

setInterval(() => {
  if (isPlaying.value) report('playing')
}, reportEveryMs)

const attach = async (url: string, from: number): Promise<void> => {
  const { default: Hls } = await import('hls.js/light')
  hls?.destroy()
  hls = undefined
  if (!Hls.isSupported()) {
    // Browsers without Media Source Extensions play HLS by themselves.
    audio.src = url
    audio.currentTime = from
    return
  }
  // No worker of a blob's code: the policy lets none through, and fragmented MP4 needs none.
  const stream = new Hls({ enableWorker: false, startPosition: from, maxBufferLength: 30 })
  hls = stream
  stream.on(Hls.Events.ERROR, (_, { fatal, type }) => {
    if (!fatal || hls !== stream) return
    if (type === Hls.ErrorTypes.MEDIA_ERROR) {
      stream.recoverMediaError()
      return
    }
    void renew()
  })
  stream.loadSource(url)
  stream.attachMedia(audio)
}

/** Asks for another playback where the last one broke off: its pass has expired, or the track is not ours to hear now. */
const renew = async (): Promise<void> => {
  const again = Date.now() - resumedAt > reportEveryMs
  resumedAt = Date.now()
  if (again) await begin(position.value)
  else
    batch(() => {
      isPlaying.value = false
      isWaiting.value = false
      playerProblem.value = asProblem(undefined)
    })
}

const begin = async (from: number): Promise<void> => {
  const track = current.value
  if (track === undefined) return
  const mine = ++turn
  batch(() => {
    isWaiting.value = true
    playerProblem.value = undefined
    position.value = from
  })
  try {
    const playback = await ask(
      api.POST('/v1/tracks/{trackId}/playback', { params: { path: { trackId: track.id } } }),
    )
    if (mine !== turn) return
    sessionId = playback.sessionId
    await attach(playback.hlsUrl, from)
    if (mine === turn) await audio.play()
  } catch (error) {
    // Another track was chosen before this one could be heard.
    if (mine !== turn || (error instanceof DOMException && error.name === 'AbortError')) return
    batch(() => {
      isPlaying.value = false
      isWaiting.value = false
      playerProblem.value = asProblem(error)
    })
  }
}

const leaveCurrent = (): void => {
  const track = current.value
  if (track === undefined) return
  if (isPlaying.value) report('paused')
  writePosition(track.id, audio.currentTime, track.duration ?? 0)
  audio.pause()
  sessionId = undefined
}

const goTo = (items: readonly Playable[], at: number, from?: number): void => {
  leaveCurrent()
  queue.value = { items, at }
  const track = items[at]
  if (track !== undefined) void begin(from ?? readPosition(track.id))
}

/** Plays a track, and after it those that stand below it; the same again: goes on with it. */
export const play = (track: Playable, list: readonly Playable[] = [track]): void => {
  if (current.value?.id === track.id) {
    if (!isPlaying.value) toggle()
    return
  }
  const at = list.findIndex(({ id }) => id === track.id)
  goTo(at < 0 ? [track] : list, Math.max(0, at))
}

/** Plays a track from a place in it, in seconds. */
export const playFrom = (track: Playable, seconds: number): void => {
  if (current.value?.id !== track.id) {
    goTo([track], 0, seconds)
    return
  }
  seek(seconds)
  if (!isPlaying.value) toggle()
}

export const toggle = (): void => {
  if (current.value === undefined) return
  if (isPlaying.value || isWaiting.value) {
    isWaiting.value = false
    audio.pause()
  } else if (sessionId === undefined || playerProblem.value !== undefined) void begin(position.value)
  else
    audio.play().catch((error: unknown) => {
      playerProblem.value = asProblem(error)
    })
}

/** @param seconds from the beginning */
export const seek = (seconds: number): void => {
  if (current.value === undefined) return
  const to = Math.min(Math.max(0, seconds), Math.max(0, duration.value - 0.25))
  position.value = to
  audio.currentTime = to
}

export const skip = (by: 1 | -1): void => {
  const { items, at } = queue.value
  // Back means to the beginning first, as everywhere.
  if (by === -1 && (position.value > 3 || at === 0)) seek(0)
  else if (items[at + by] !== undefined) goTo(items, at + by)
}

export const enqueue = (track: Playable): void => {
  const { items, at } = queue.value
  if (items.length === 0) play(track)
  else queue.value = { items: [...items, track], at }
}

/** Takes what comes later out of the queue. */
export const unqueue = (index: number): void => {
  const { items, at } = queue.value
  if (index > at) queue.value = { items: items.toSpliced(index, 1), at }
}

export const setVolume = (to: number): void => {
  batch(() => {
    volume.value = to
    isMuted.value = false
  })
  audio.volume = to
  audio.muted = false
}

export const toggleMuted = (): void => {
  isMuted.value = !isMuted.value
  audio.muted = isMuted.value
}

/** Silence, and nothing to play: somebody signed out. */
export const stopPlayer = (): void => {
  leaveCurrent()
  turn++
  hls?.destroy()
  hls = undefined
  batch(() => {
    queue.value = { items: [], at: 0 }
    isPlaying.value = false
    isWaiting.value = false
    position.value = 0
    playerProblem.value = undefined
  })
}

audio.addEventListener('playing', () => {
  batch(() => {
    isPlaying.value = true
    isWaiting.value = false
  })
  report('playing')
})
audio.addEventListener('waiting', () => {
  isWaiting.value = true
})
audio.addEventListener('pause', () => {
  isPlaying.value = false
  if (!audio.ended) report('paused')
  const track = current.value
  if (track !== undefined) writePosition(track.id, audio.currentTime, track.duration ?? 0)
})
audio.addEventListener('timeupdate', () => {
  if (!audio.seeking) position.value = audio.currentTime
})
audio.addEventListener('ended', () => {
  report('ended')
  isPlaying.value = false
  const { items, at } = queue.value
  if (items[at + 1] !== undefined) goTo(items, at + 1)
})
addEventListener('pagehide', () => {
  const track = current.value
  if (track !== undefined) writePosition(track.id, audio.currentTime, track.duration ?? 0)
})
