import { describe, expect, it } from 'vitest'
import { normaliseFilename, normaliseLine, normaliseText, titleOf } from './texts.ts'
import {
  decide,
  evolve,
  longestAnnouncement,
  statusOf,
  type Track,
  type TrackCommand,
  type TrackEvent,
} from './track.ts'
import { maySee } from './visibility.ts'

const at = new Date('2026-11-24T06:00:00Z')
const source = { sha256: 'ab'.repeat(32), bytes: 10, filename: 'a.mp3', format: 'mp3', codec: 'mp3' }
const upload: TrackCommand = {
  ...{
    type: 'upload',
    id: 't',
    ownerId: 'ana',
    title: 'One',
    artist: null,
    album: null,
    genre: null,
    cover: null,
  },
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
    for (const bad of ['', '  ', 'a\nb', 'a\0b', '\ud800', 'x'.repeat(11), 'a\u202eb', 'a\u2069', 'a\u0085b'])
      expect(normaliseLine(bad, 10)).toBeUndefined()
    for (const blank of ['\u200b\u2060', '\u3164', '\u2800', '\u00ad', '\u0301'])
      expect(normaliseLine(blank, 10)).toBeUndefined()
    expect(normaliseLine('👩\u200d🎤', 10)).toBe('👩\u200d🎤')
    expect(normaliseLine('🎧'.repeat(10), 10)).toBe('🎧'.repeat(10))
  })

  it('of several lines may be empty', () => {
    expect(normaliseText(' a\nb ', 10)).toBe('a\nb')
    expect(normaliseText('', 10)).toBe('')
    expect(normaliseText('a\r\n\tb', 10)).toBe('a\n\tb')
    for (const bad of ['x'.repeat(11), 'a\0b', 'a\u0007b', 'a\u2067b', '\ud800'])
      expect(normaliseText(bad, 10)).toBeUndefined()
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
    for (const nothing of ['\ud800', '\u200b', '\u202e', '\u2800'])
      expect(titleOf(nothing, undefined, '')).toBe('Untitled')
    expect(titleOf('3pm\u202e.exe', undefined, '')).toBe('3pm.exe')
    expect(titleOf('x'.repeat(500), undefined, '')).toHaveLength(200)
  })
})

describe('who may know of a track', () => {
  const nobody = { follows: false, blocked: false }
  const of = (visibility: Track['visibility'], takenDown: Track['takenDown'] = null) => ({
    ...{ ownerId: 'ana', visibility, takenDown },
  })
  it.each([
    ['public', nobody, true],
    ['unlisted', nobody, true],
    ['followers', nobody, false],
    ['followers', { follows: true, blocked: false }, true],
    ['private', { follows: true, blocked: false }, false],
    ['public', { follows: false, blocked: true }, false],
    ['followers', { follows: true, blocked: true }, false],
  ] as const)('%s, %o: %s', (visibility, relation, expected) => {
    expect(maySee(of(visibility), ben, relation)).toBe(expected)
    expect(maySee(of(visibility), ana, relation)).toBe(true)
    expect(maySee(of(visibility), moderator, relation)).toBe(true)
    expect(maySee(of(visibility, 'spam'), ben, relation)).toBe(false)
    expect(maySee(of(visibility, 'spam'), ana, relation)).toBe(true)
    expect(maySee({ ...of(visibility), deleted: true }, ana, relation)).toBe(false)
  })
})

describe('a track that is announced', () => {
  const tomorrow = new Date(at.getTime() + 86_400_000)
  const hidden: TrackCommand = { ...upload, visibility: 'private' }
  const announce = (publishAt: Date | null) => edit(ana, { publishAt })

  it('becomes public when its time has come, once', () => {
    const due: TrackCommand = { type: 'publish-due', at: tomorrow }
    expect(types(after(hidden, announce(tomorrow), { ...due, at }))).toEqual([])
    const { track, events } = after(hidden, announce(tomorrow), due)
    expect(events).toMatchObject([{ type: 'visibility-changed', visibility: 'public' }])
    expect(track).toMatchObject({ publishAt: null, publishedAt: tomorrow })
    expect(types(after(hidden, announce(tomorrow), due, due))).toEqual([])
  })

  it('does not when its owner thinks better of it, publishes it at once, or deletes it', () => {
    const due: TrackCommand = { type: 'publish-due', at: tomorrow }
    for (const meanwhile of [announce(null), edit(ana, { visibility: 'public' }), remove(ana)])
      expect(types(after(hidden, announce(tomorrow), meanwhile, due))).toEqual([])
    expect(types(after(hidden, announce(tomorrow), announce(tomorrow)))).toEqual([])
  })

  it('has its time ahead, and is not public', () => {
    expect(code(hidden, announce(at))).toBe('publish-time')
    expect(code(hidden, announce(new Date(at.getTime() + longestAnnouncement + 1)))).toBe('publish-time')
    expect(code(upload, announce(tomorrow))).toBe('already-public')
    expect(types(after(upload, edit(ana, { visibility: 'private', publishAt: tomorrow })))).toEqual([
      ...['visibility-changed', 'publication-scheduled'],
    ])
  })

  it('keeps the time at which it was first found', () => {
    const again = [edit(ana, { visibility: 'private' }), edit(ana, { visibility: 'public' })]
    expect(after(upload, ...again).track?.publishedAt).toEqual(at)
  })
})

describe('moderators', () => {
  const takeDown = (actor: typeof ana): TrackCommand => ({ type: 'take-down', actor, reason: 'abuse', at })
  const restore = (actor: typeof ana): TrackCommand => ({ type: 'restore', actor, at })
  const dismiss = (actor: typeof ana): TrackCommand => ({ type: 'dismiss-reports', actor, note: '', at })
  const report = (actor: typeof ana): TrackCommand => ({ type: 'report', actor, reason: 'spam', at })

  it('take a track down and put it back, each once', () => {
    expect(after(upload, takeDown(moderator)).track?.takenDown).toBe('abuse')
    expect(types(after(upload, takeDown(moderator), takeDown(moderator)))).toEqual([])
    expect(after(upload, takeDown(moderator), restore(moderator)).track?.takenDown).toBeNull()
    expect(types(after(upload, restore(moderator)))).toEqual([])
  })

  it('alone do so, and of tracks that are there', () => {
    for (const command of [takeDown, restore, dismiss]) {
      expect(code(upload, command(ana))).toBe('not-moderator')
      expect(code(upload, remove(ana), command(moderator))).toBe('track-not-found')
    }
    expect(types(after(upload, report(ben)))).toEqual(['reported'])
    expect(types(after(upload, report(ben), dismiss(moderator)))).toEqual(['reports-dismissed'])
    expect(code(upload, remove(ana), report(ben))).toBe('track-not-found')
  })

  it('dismiss what is open, which is nothing once a moderator has acted on it', () => {
    for (const settled of [dismiss(moderator), takeDown(moderator)])
      expect(types(after(upload, report(ben), settled, dismiss(moderator)))).toEqual([])
    expect(types(after(upload, dismiss(moderator)))).toEqual([])
    expect(types(after(upload, report(ben), dismiss(moderator), report(ben), dismiss(moderator)))).toEqual([
      'reports-dismissed',
    ])
  })
})
