import { expect, it } from 'vitest'
import { type TrackEvent } from '../domain/track.ts'
import { toEvent, toRecord } from './publish.ts'

const about = { trackId: 't', ownerId: 'o', at: new Date(1_795_000_000_000) }
const events: TrackEvent[] = [
  {
    ...{ type: 'uploaded', ...about, title: 'One', artist: 'Ana', album: null, visibility: 'unlisted' },
    source: { sha256: 'ab', bytes: 1, filename: 'a.mp3', format: 'mp3', codec: 'mp3' },
  },
  { type: 'transcode-requested', ...about, sha256: 'ab', recipe: 1, priority: 'catalogue' },
  {
    ...{ type: 'made-ready', ...about },
    stream: { media: 'media/x', recipe: 1, durationMs: 1, loudness: null, truePeak: -1.5, gain: 2 },
  },
  { type: 'failed', ...about, code: 'corrupt' },
  {
    type: 'edited',
    ...about,
    details: { title: 'Two', description: 'd', artist: null, genre: 'g', tags: ['a', 'b'] },
  },
  { type: 'visibility-changed', ...about, visibility: 'private' },
  { type: 'deleted', ...about, deletedBy: 'm' },
]

it.each(events.map((event) => [event.type, event] as const))(
  '%s is the same after a turn in the store',
  (_type, event) => {
    const record = toRecord(event)
    const stored = {
      id: 'e',
      stream: 's',
      version: 1,
      position: 1,
      schemaVersion: 1,
      recordedAt: new Date(),
      metadata: {},
    }
    expect(toEvent({ ...record, ...stored })).toEqual(event)
  },
)
