import { expect, it } from 'vitest'
import { type TrackEvent } from '../domain/track.ts'
import { type PlaylistEvent } from '../domain/playlist.ts'
import { playlistEvents, playlistRecord, trackEvents, trackRecord } from './publish.ts'

const about = { trackId: 't', ownerId: 'o', at: new Date(1_795_000_000_000) }
const events: TrackEvent[] = [
  {
    ...{
      type: 'uploaded',
      ...about,
      title: 'One',
      artist: 'Ana',
      album: null,
      genre: 'Dub',
      visibility: 'unlisted',
    },
    source: { sha256: 'ab', bytes: 1, filename: 'a.mp3', format: 'mp3', codec: 'mp3' },
  },
  { type: 'transcode-requested', ...about, sha256: 'ab', recipe: 1, priority: 'catalogue' },
  {
    ...{ type: 'made-ready', ...about, again: true },
    stream: { media: 'media/x', recipe: 1, durationMs: 1, loudness: null, truePeak: -1.5, gain: 2 },
  },
  { type: 'failed', ...about, code: 'corrupt', again: false },
  {
    type: 'edited',
    ...about,
    details: { title: 'Two', description: 'd', artist: null, genre: 'g', tags: ['a', 'b'] },
  },
  { type: 'cover-changed', ...about, cover: 'c' },
  { type: 'cover-changed', ...about, cover: null },
  { type: 'visibility-changed', ...about, visibility: 'private' },
  { type: 'publication-scheduled', ...about, publishAt: new Date(1_795_000_100_000) },
  { type: 'publication-scheduled', ...about, publishAt: null },
  { type: 'reported', ...about, reporterId: 'b', reason: 'spam' },
  { type: 'reports-dismissed', ...about, moderatorId: 'm', note: 'a cover' },
  { type: 'taken-down', ...about, moderatorId: 'm', reason: 'copyright' },
  { type: 'restored', ...about, moderatorId: 'm' },
  { type: 'deleted', ...about, deletedBy: 'm' },
]
const list = { playlistId: 'p', ownerId: 'o', at: about.at }
const details = { title: 'One', description: '', visibility: 'followers' } as const
const playlists: PlaylistEvent[] = [
  { type: 'created', ...list, details },
  { type: 'edited', ...list, details },
  { type: 'tracks-changed', ...list, trackIds: ['t', 'u'] },
  { type: 'deleted', ...list },
]
const stored = {
  ...{ id: 'e', stream: 's', version: 1, position: 1, schemaVersion: 1 },
  ...{ recordedAt: new Date(), metadata: {} },
}

it.each(events.map((event) => [event.type, event] as const))(
  'a track that is %s is the same after a turn in the store',
  (_type, event) => {
    const kept = { ...trackRecord(event), ...stored }
    expect(trackEvents([kept])).toEqual([event])
    expect(playlistEvents([kept])).toEqual([])
  },
)

it.each(playlists.map((event) => [event.type, event] as const))(
  'a playlist that is %s is the same after a turn in the store',
  (_type, event) => {
    const kept = { ...playlistRecord(event), ...stored }
    expect(playlistEvents([kept])).toEqual([event])
    expect(trackEvents([kept])).toEqual([])
  },
)

it('takes a word that it does not know to be the narrowest', () => {
  const changed = {
    type: 'TrackVisibilityChanged',
    value: { ...list, trackId: 't', visibility: 'friends', changedAt: 1 },
  } as const
  expect(trackEvents([{ ...changed, ...stored }])).toMatchObject([{ visibility: 'private' }])
})
