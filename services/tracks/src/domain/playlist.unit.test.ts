import { describe, expect, it } from 'vitest'
import {
  decidePlaylist,
  evolvePlaylist,
  mostTracks,
  type Playlist,
  type PlaylistCommand,
  type PlaylistEvent,
} from './playlist.ts'

const at = new Date('2026-11-24T06:00:00Z')
const by = { actorId: 'ana', at }
const details = { title: 'Late', description: '', visibility: 'private' } as const
const create: PlaylistCommand = { type: 'create', id: 'p', details, ...by }
const set = (...trackIds: string[]): PlaylistCommand => ({ type: 'set-tracks', trackIds, ...by })
const put = (trackId: string, position?: number): PlaylistCommand => ({
  type: 'put-track',
  trackId,
  position,
  ...by,
})

const after = (...commands: PlaylistCommand[]) => {
  let playlist: Playlist | undefined
  let events: PlaylistEvent[] = []
  for (const command of commands) {
    events = decidePlaylist(command, playlist)
    playlist = events.reduce(evolvePlaylist, playlist)
  }
  return { playlist, events, trackIds: playlist?.trackIds.join('') }
}

describe('a playlist', () => {
  it('keeps each track once, where it was put last', () => {
    expect(after(create, put('a'), put('b'), put('c', 0)).trackIds).toBe('cab')
    expect(after(create, set('a', 'b', 'c'), put('a', 1)).trackIds).toBe('bac')
    expect(after(create, set('a', 'b'), put('a')).trackIds).toBe('ba')
    expect(after(create, set('a', 'b', 'a'), put('c', 99)).trackIds).toBe('abc')
    expect(after(create, set('a', 'b'), { type: 'remove-track', trackId: 'a', ...by }).trackIds).toBe('b')
  })

  it('says nothing when nothing changes', () => {
    const remove: PlaylistCommand = { type: 'remove-track', trackId: 'x', ...by }
    const edit: PlaylistCommand = { type: 'edit', changes: { title: 'Late' }, ...by }
    const end: PlaylistCommand = { type: 'delete', ...by }
    for (const command of [create, set('a', 'b'), put('b'), remove, edit])
      expect(after(create, set('a', 'b'), command).events).toEqual([])
    expect(after(create, end, end).events).toEqual([])
  })

  it('has room for so many', () => {
    const full = set(...Array.from({ length: mostTracks }, (_, nth) => String(nth)))
    expect(() => after(create, full, put('one more'))).toThrow('playlist-full')
    expect(after(create, full, put('7', 0)).playlist?.trackIds).toHaveLength(mostTracks)
  })

  it('is its owner’s alone, and is not there for others or when it is gone', () => {
    const end: PlaylistCommand = { type: 'delete', ...by }
    expect(() => after(set('a'))).toThrow('playlist-not-found')
    expect(() => after(create, { ...set('a'), actorId: 'ben' })).toThrow('playlist-not-found')
    expect(() => after(create, end, set('a'))).toThrow('playlist-not-found')
    expect(after(create, { type: 'edit', changes: { title: 'Later' }, ...by }).playlist?.title).toBe('Later')
  })
})
