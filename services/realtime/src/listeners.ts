import { channels, type TrackAudience } from '@veza/contracts'
import { type Json, type Publish } from './protocol/replies.ts'

/** What a player said of itself, by way of streams. */
export interface ListeningReport {
  readonly trackId: string
  readonly listenerId: string
  readonly state: string
  /** Epoch milliseconds. */
  readonly reportedAt: number
}

export interface ListenersSettings {
  /** How long a report counts: players send one every ten seconds. */
  readonly ttlMs: number
  /** A track's subscribers are told at most so often. */
  readonly everyMs: number
  /** Listeners of one track that are counted one by one; beyond them the count stands still. */
  readonly maxCounted: number
}

/** A connection's following of a track, from the one subscription to its end. */
export interface Follower {
  readonly trackId: string
  readonly userId: string
  /** They may not hear the track any more: ends it, if it has not ended meanwhile. */
  expel(): void
}

interface Followed {
  readonly followers: Set<Follower>
  /** When each listener's last report stops to count. */
  readonly until: Map<string, number>
  told: number
  toldAt: number
}

/**
 * How many people hear a track now, told to whoever follows `track:<id>`. Counted from players' reports, which every edge
 * reads, for the tracks alone that somebody here follows: one who has just begun to follow sees the count grow for as long
 * as a report is due.
 */
export interface Listeners {
  follow(follower: Follower): void
  unfollow(follower: Follower): void
  has(trackId: string): boolean
  /** All who follow a track here. */
  followers(): Iterable<Follower>
  /** The count as subscribers are told it. */
  current(trackId: string): Json
  heard(report: ListeningReport): void
  /** Forgets who is silent, and tells what has changed. To be called some times a second. */
  tick(): void
}

const audience = (listeners: number): Json =>
  JSON.stringify({ type: 'listeners', listeners } satisfies TrackAudience)

/** @param publish tells all that follow a channel here */
export const createListeners = ({
  settings: { ttlMs, everyMs, maxCounted },
  publish,
  now,
}: {
  settings: ListenersSettings
  publish: Publish
  now: () => number
}): Listeners => {
  const tracks = new Map<string, Followed>()

  const purge = ({ until }: Followed): void => {
    const at = now()
    for (const [listenerId, end] of until) if (end <= at) until.delete(listenerId)
  }

  return {
    follow(follower) {
      const { trackId } = follower
      const track = tracks.get(trackId)
      if (track !== undefined) track.followers.add(follower)
      else
        tracks.set(trackId, {
          ...{ followers: new Set([follower]), until: new Map(), told: 0, toldAt: -Infinity },
        })
    },
    unfollow(follower) {
      const track = tracks.get(follower.trackId)
      if (track?.followers.delete(follower) === true && track.followers.size === 0)
        tracks.delete(follower.trackId)
    },
    has: (trackId) => tracks.has(trackId),
    *followers() {
      for (const track of tracks.values()) yield* track.followers
    },
    current: (trackId) => audience(tracks.get(trackId)?.told ?? 0),
    heard({ trackId, listenerId, state, reportedAt }) {
      const track = tracks.get(trackId)
      if (track === undefined) return
      // Reports of one listener come in order, but for those of two players of theirs.
      if (state !== 'playing') track.until.delete(listenerId)
      else if (track.until.size < maxCounted || track.until.has(listenerId))
        track.until.set(listenerId, reportedAt + ttlMs)
    },
    tick() {
      const at = now()
      for (const [trackId, track] of tracks) {
        if (at - track.toldAt < everyMs) continue
        purge(track)
        if (track.until.size === track.told) continue
        track.told = track.until.size
        track.toldAt = at
        const channel = channels.track(trackId)
        publish(channel, [
          { type: 'published', channel, publication: { offset: 0, data: audience(track.told) } },
        ])
      }
    },
  }
}
