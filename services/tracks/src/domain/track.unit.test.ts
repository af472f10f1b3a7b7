import { describe, expect, it } from 'vitest'
import { normaliseFilename, normaliseLine, normaliseText, titleOf } from './texts.ts'
import { decide, evolve, statusOf, type Track, type TrackCommand, type TrackEvent } from './track.ts'

const at = new Date('2026-11-24T06:00:00Z')
const source = { sha256: 'ab'.repeat(32), bytes: 10, filename: 'a.mp3', format: 'mp3', codec: 'mp3' }
const upload: TrackCommand = {
  ...{ type: 'upload', id: 't', ownerId: 'ana', title: 'One', artist: null, album: null },
  ...{ visibility: 'public', source, recipe: 1, at },
}
const stream = { media: 'media/x', recipe: 1, durationMs: 1000, loudness: -14, truePeak: -1, gain: 0 }
const made: TrackCommand = { type: 'settle-transcode', recipe: 1, outcome: { type: 'made', stream }, at }
const ana = { userId: 'ana', moderator: false }
const ben = { userId: 'ben', moderator: false }
const moderator = { userId: 'mia', moderator: true }
const edit = (
  actor: typeof ana,
  changes: Extract<TrackCommand, { type: 'edit' }>['changes'],
): TrackCommand => ({
  ...{ type: 'edit', actor, changes, at },
})
const remove = (actor: typeof ana): TrackCommand => ({ type: 'delete', actor, at })

/** The track after these commands, and what the last of them brought about. */
const after = (...commands: TrackCommand[]): { track: Track | undefined; events: TrackEvent[] } => {
  let track: Track | undefined
  let events: TrackEvent[] = []
  for (const command of commands) {
    events = decide(command, track)
    track = events.reduce(evolve, track)
  }
  return { track, events }
}
const types = ({ events }: { events: TrackEvent[] }) => events.map(({ type }) => type)
const code = (...commands: TrackCommand[]) => {
  try {
    after(...commands)
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a track', () => {
  it('begins with its file and asks for a stream, once', () => {
    expect(types(after(upload))).toEqual(['uploaded', 'transcode-requested'])
    expect(types(after(upload, upload))).toEqual([])
  })

  it('is processing until its stream is made, or could not be', () => {
    const failed: TrackCommand = { ...made, outcome: { type: 'not-made', code: 'corrupt' } }
    const statuses = [[upload], [upload, made], [upload, failed]].map((commands) =>
      statusOf(after(...commands).track as Track),
    )
    expect(statuses).toEqual(['processing', 'ready', 'failed'])
    expect(after(upload, failed).track?.failure).toBe('corrupt')
  })

  it('takes one outcome for each time that a stream was asked for', () => {
    expect(types(after(upload, made, made))).toEqual([])
    expect(types(after(upload, { ...made, recipe: 2 }))).toEqual([])
    expect(types(after(upload, remove(ana), made))).toEqual([])
  })

  it('stays ready while a newer recipe makes it again', () => {
    const again: TrackCommand = { type: 'request-transcode', recipe: 2, priority: 'catalogue', at }
    const { track, events } = after(upload, made, again)
    expect(events).toMatchObject([{ type: 'transcode-requested', recipe: 2, priority: 'catalogue' }])
    expect(statusOf(track as Track)).toBe('ready')
    expect(types(after(upload, made, again, again))).toEqual([])
    expect(types(after(upload, made, { ...again, recipe: 1 }))).toEqual([])
  })

  it('is changed by its owner alone, and says what changed', () => {
    expect(types(after(upload, edit(ana, { title: 'Two', visibility: 'private' })))).toEqual([
      ...['edited', 'visibility-changed'],
    ])
    expect(types(after(upload, edit(ana, { title: 'One' })))).toEqual([])
    expect(types(after(upload, edit(ana, { tags: ['drone'] }), edit(ana, { tags: ['drone'] })))).toEqual([])
    expect(code(upload, edit(ben, { title: 'Two' }))).toBe('not-owner')
    expect(code(upload, edit(moderator, { title: 'Two' }))).toBe('not-owner')
  })

  it('does not exist for others while it is private', () => {
    const hide = edit(ana, { visibility: 'private' })
    expect(code(upload, hide, edit(ben, { title: 'Two' }))).toBe('track-not-found')
    expect(code(upload, hide, remove(ben))).toBe('track-not-found')
    expect(code(edit(ana, { title: 'Two' }))).toBe('track-not-found')
  })

  it('is deleted by its owner or a moderator, once and for good', () => {
    expect(types(after(upload, remove(ana)))).toEqual(['deleted'])
    expect(types(after(upload, remove(ana), remove(ana)))).toEqual([])
    expect(after(upload, remove(moderator)).events).toMatchObject([{ deletedBy: 'mia' }])
    expect(code(upload, remove(ben))).toBe('not-owner')
    expect(code(upload, remove(ana), edit(ana, { title: 'Two' }))).toBe('track-not-found')
    expect(
      types(after(upload, remove(ana), { type: 'request-transcode', recipe: 2, priority: 'upload', at })),
    ).toEqual([])
  })
})

describe('texts', () => {
  it('of one line are trimmed, composed and bounded', () => {
    expect(normaliseLine('  e\u0301tude ', 10)).toBe('étude')
    for (const bad of ['', '  ', 'a\nb', 'a\0b', '\ud800', 'x'.repeat(11)])
      expect(normaliseLine(bad, 10)).toBeUndefined()
    expect(normaliseLine('🎧'.repeat(10), 10)).toBe('🎧'.repeat(10))
  })

  it('of several lines may be empty', () => {
    expect(normaliseText(' a\nb ', 10)).toBe('a\nb')
    expect(normaliseText('', 10)).toBe('')
    expect(normaliseText('x'.repeat(11), 10)).toBeUndefined()
  })

  it('that name a file lose its folders', () => {
    expect(normaliseFilename('C:\\music\\a.mp3')).toBe('a.mp3')
    expect(normaliseFilename('../../etc/passwd')).toBe('passwd')
    expect(normaliseFilename('a\r\nb\u2028.mp3')).toBe('a b .mp3')
    expect(normaliseFilename(undefined)).toBe('')
  })

  it('give every track a title', () => {
    expect(titleOf(' Said ', 'Tagged', 'a.mp3')).toBe('Said')
    expect(titleOf(' ', 'Tagged', 'a.mp3')).toBe('Tagged')
    expect(titleOf(undefined, undefined, 'Night drive.flac')).toBe('Night drive')
    expect(titleOf('\ud800', undefined, '')).toBe('Untitled')
    expect(titleOf('x'.repeat(500), undefined, '')).toHaveLength(200)
  })
})
