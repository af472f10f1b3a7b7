import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { cursors } from './fields.ts'

const [id, other] = [randomUUID(), randomUUID()]
const publishedAt = new Date('2026-11-24T12:30:00.123Z')

it.each([
  ['tracks, after one', cursors.tracks, { after: id }],
  ['tracks, after so many hits', cursors.tracks, { offset: 20 }],
  ['feed', cursors.feed, { publishedAt, id }],
  ['playlists', cursors.playlists, id],
  ['reports', cursors.reports, { trackId: id, reporterId: other }],
] as const)('a cursor of %s is read as it was written', (_, { write, field }, place) => {
  expect(field.parse((write as (place: unknown) => string)(place))).toEqual(place)
})

const made = (text: string) => Buffer.from(text).toString('base64url')
it.each([
  ['tracks', cursors.tracks, ['t:', 't:none', 't:0', 't:12345', `p:${id}`]],
  ['feed', cursors.feed, ['f:', `f:${id}`, `f:x.${id}`, 'f:1.none', `f:${'9'.repeat(16)}.${id}`]],
  ['playlists', cursors.playlists, ['p:', 'p:none', `t:${id}`]],
  ['reports', cursors.reports, ['r:', `r:${id}`, `r:${id}.none`, `r:none.${id}`]],
] as const)('what no page of %s gave is refused', (_, { field }, given) => {
  for (const text of ['', 'none', ...given.map(made)]) expect(field.safeParse(text).success, text).toBe(false)
})
