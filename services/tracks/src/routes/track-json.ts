import { Problem, uuid, z } from '@veza/kit/http'
import { refusalTexts } from '@veza/kit/media'
import { type Identity } from '@veza/kit/tokens'
import { coverSizes } from '../adapters/covers.ts'
import { type Actor } from '../domain/visibility.ts'
import { type TrackView } from '../queries/track-view.ts'
import { changes, reason } from './fields.ts'

const level = (unit: string, what: string) =>
  z
    .number()
    .nullable()
    .openapi({ description: `${what}, ${unit}; null: not known yet, or silence` })

export const trackFields = {
  id: uuid,
  ownerId: uuid,
  version: z.int().openapi({ description: 'Rises with every change; for If-Match' }),
  status: z.enum(['processing', 'ready', 'failed']).openapi({ description: 'Whether it can be heard' }),
  failure: z
    .object({ code: z.string(), detail: z.string() })
    .nullable()
    .openapi({ description: 'Why no stream could be made' }),
  visibility: changes.visibility,
  publishAt: z.iso
    .datetime()
    .nullable()
    .openapi({ description: 'When it becomes public by itself; null: it does not' }),
  publishedAt: z.iso.datetime().nullable().openapi({ description: 'Since when others find it' }),
  takenDown: reason.nullable().openapi({
    description: 'Why a moderator took it down, so that only its owner and moderators see it; null: none did',
  }),
  title: z.string(),
  description: z.string(),
  artist: z.string().nullable(),
  album: z.string().nullable(),
  genre: z.string().nullable(),
  tags: z.array(z.string()),
  duration: z.number().nullable().openapi({ description: 'Seconds; null until it is ready' }),
  loudness: z
    .object({
      integrated: level('LUFS', "The file's loudness"),
      truePeak: level('dBTP', "The file's highest peak"),
      gain: level('dB', 'What was added'),
    })
    .nullable(),
  cover: z
    .record(z.enum(coverSizes.map(String) as [string, ...string[]]), z.string())
    .nullable()
    .openapi({ description: 'By size in pixels, the address of the picture; null: there is none' }),
  waveform: z.string().nullable().openapi({ description: 'Where the waveform is; null until it is ready' }),
  uploadedAt: z.iso.datetime(),
}

export const track = z.object(trackFields).openapi('Track')

export const trackPage = z
  .object({
    tracks: z.array(track),
    next: z.string().nullable().openapi({ description: 'Cursor of the next page; null: this was the last' }),
  })
  .openapi('TrackPage')

/** Where a track's picture is, by size. */
export const coverOf = (trackId: string, cover: string | null) =>
  cover === null
    ? null
    : Object.fromEntries(
        coverSizes.map((size) => [String(size), `/v1/tracks/${trackId}/covers/${cover}/${size}.webp`]),
      )

const failureTexts: Readonly<Record<string, string>> = refusalTexts

// A literal, as rows become views: a page is twenty of these.
export const trackJson = (view: TrackView) => ({
  id: view.id,
  ownerId: view.ownerId,
  version: view.version,
  status: view.status,
  visibility: view.visibility,
  takenDown: view.takenDown,
  title: view.title,
  description: view.description,
  artist: view.artist,
  album: view.album,
  genre: view.genre,
  tags: [...view.tags],
  failure:
    view.failure === null
      ? null
      : {
          code: view.failure,
          detail: failureTexts[view.failure] ?? 'Something went wrong on our side: upload it once more',
        },
  duration: view.durationMs === null ? null : view.durationMs / 1000,
  loudness:
    view.media === null ? null : { integrated: view.loudness, truePeak: view.truePeak, gain: view.gain },
  cover: coverOf(view.id, view.cover),
  waveform: view.media === null ? null : `/v1/tracks/${view.id}/waveform`,
  uploadedAt: view.uploadedAt.toISOString(),
  publishAt: view.publishAt?.toISOString() ?? null,
  publishedAt: view.publishedAt?.toISOString() ?? null,
})

export const actorOf = ({ userId, roles }: Identity): Actor => ({
  userId,
  moderator: roles.includes('moderator') || roles.includes('admin'),
})

/** If-Match of a version that GET gave, quoted or not; undefined: whatever it is now. */
export const expectedVersion = (ifMatch: string | undefined): number | undefined => {
  if (ifMatch === undefined || ifMatch === '*') return undefined
  const version = /^"?(\d{1,15})"?$/.exec(ifMatch)?.[1]
  if (version === undefined)
    throw new Problem(400, 'invalid-request', 'If-Match takes the version that was read')
  return Number(version)
}
