import { cursor, parsedField, uuid, z } from '@veza/kit/http'
import { mostTracks } from '../domain/playlist.ts'
import { distinctTags, labelOf, longest, normaliseLine, normaliseText } from '../domain/texts.ts'
import { reportReasons } from '../domain/moderation.ts'
import { visibilities } from '../domain/visibility.ts'

const line = (max: number) =>
  parsedField(
    8 * max,
    (text) => normaliseLine(text, max),
    `1 to ${max} characters, at least one visible, no control characters; trimmed and brought to NFC`,
  )

// What a transformed field takes is told by its own words alone, so that it takes null is said once more.
const orNull = <T extends z.ZodType>(field: T) => field.nullable().openapi({ type: ['string', 'null'] })

const text = (max: number) =>
  parsedField(4 * max, (given) => normaliseText(given, max), `at most ${max} characters`)

const visibility = z.enum(visibilities).openapi({
  description:
    'public: whoever is signed in finds and hears it. followers: whoever follows its owner. unlisted: whoever knows ' +
    'its id. private: to others it does not exist',
})

/** What an owner may change of a track. */
export const changes = {
  title: line(longest.title),
  description: text(longest.description),
  artist: orNull(line(longest.artist)),
  genre: orNull(line(longest.genre)),
  tags: z
    .array(line(longest.tag))
    .max(longest.tags)
    .transform(distinctTags)
    .openapi({ description: 'Those that differ in accents or case alone are kept once' }),
  visibility,
  publishAt: z.iso
    .datetime({ offset: true })
    .transform((time) => new Date(time))
    .nullable()
    .openapi({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When it becomes public by itself, within a year; null: not by itself',
    }),
}

/** What tracks are found by beside words. */
export const labelled = {
  genre: line(longest.genre).optional(),
  tag: line(longest.tag).optional(),
}
export const labelsOf = ({
  genre,
  tag,
}: {
  genre?: string | undefined
  tag?: string | undefined
}): string[] => [
  ...(genre === undefined ? [] : [labelOf('genre', genre)]),
  ...(tag === undefined ? [] : [labelOf('tag', tag)]),
]

/** What an owner may change of a playlist. */
export const playlistChanges = {
  title: line(longest.title),
  description: text(longest.description),
  visibility,
}

export const playlistTracks = z
  .array(uuid)
  .max(mostTracks)
  .openapi({ description: 'Their order is the order' })

export const reason = z.enum(reportReasons)
export const comment = text(longest.comment)

const isId = (given: string | undefined): given is string => uuid.safeParse(given).success

/** A list goes on after the last id of the page before. */
const afterId = (kind: string) =>
  cursor<string>(
    kind,
    (id) => id,
    (given) => (isId(given) ? given : undefined),
  )

/** A place in tracks: a list goes on after a track, a search after so many hits. */
export type TrackPlace = { readonly after: string } | { readonly offset: number }

export const cursors = {
  tracks: cursor<TrackPlace>(
    't',
    (place) => ('after' in place ? place.after : String(place.offset)),
    (given) => {
      if (isId(given)) return { after: given }
      return /^[1-9]\d{0,3}$/.test(given) ? { offset: Number(given) } : undefined
    },
  ),
  feed: cursor<{ readonly publishedAt: Date; readonly id: string }>(
    'f',
    ({ publishedAt, id }) => `${publishedAt.getTime()}.${id}`,
    (given) => {
      const [at, id] = given.split('.')
      return isId(id) && /^\d{1,15}$/.test(at ?? '') ? { publishedAt: new Date(Number(at)), id } : undefined
    },
  ),
  playlists: afterId('p'),
  reports: cursor<{ readonly trackId: string; readonly reporterId: string }>(
    'r',
    ({ trackId, reporterId }) => `${trackId}.${reporterId}`,
    (given) => {
      const [trackId, reporterId] = given.split('.')
      return isId(trackId) && isId(reporterId) ? { trackId, reporterId } : undefined
    },
  ),
}
