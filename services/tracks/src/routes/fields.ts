import { z } from '@veza/kit/http'
import { longest, normaliseLine, normaliseText } from '../domain/texts.ts'

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids are compared as text by clients and as keys by Kafka, so there is one spelling only. */
export const id = z
  .string()
  .regex(uuidPattern, 'A lower-case UUID')
  .openapi({ format: 'uuid', example: '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11' })

/** A text that `parse` makes a value of. Bounded before anything is done with it. */
const parsed = <T>(max: number, parse: (text: string) => T | undefined, rule: string) =>
  z
    .string()
    .max(max)
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })

const line = (max: number) => {
  const rule = `1 to ${max} characters, no control characters; trimmed and brought to NFC`
  return parsed(8 * max, (text) => normaliseLine(text, max), rule).openapi({ description: rule })
}

/** What an owner may change. */
export const changes = {
  title: line(longest.title),
  description: parsed(
    4 * longest.description,
    (text) => normaliseText(text, longest.description),
    `at most ${longest.description} characters`,
  ).openapi({ description: `At most ${longest.description} characters` }),
  artist: line(longest.artist).nullable(),
  genre: line(longest.genre).nullable(),
  tags: z.array(line(longest.tag)).max(longest.tags),
  visibility: z.enum(['public', 'unlisted', 'private']).openapi({
    description:
      'public: whoever is signed in finds and hears it. unlisted: whoever knows its id. ' +
      'private: to others it does not exist',
  }),
}

/** A query parameter that counts, within bounds (both inclusive). */
export const count = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback)

const encode = (kind: string, position: string) => Buffer.from(`${kind}:${position}`).toString('base64url')

const decode = (kind: string, pattern: RegExp) => (text: string) => {
  const [found, position] = Buffer.from(text, 'base64url').toString().split(/:(.*)/s)
  return found === kind && position !== undefined && pattern.test(position) ? position : undefined
}

const listed = decode('t', uuidPattern)
const searched = decode('s', /^[1-9]\d{0,3}$/)

/** Opaque to clients. A list goes on after a track, a search after so many hits; neither takes the other's. */
export const cursor = parsed(
  128,
  (text) => {
    const [after, offset] = [listed(text), searched(text)]
    if (after !== undefined) return { after }
    return offset === undefined ? undefined : { offset: Number(offset) }
  },
  'A cursor that a page before gave',
).openapi({ type: 'string', description: '`next` of the page before' })

export const writeCursor = {
  list: (trackId: string): string => encode('t', trackId),
  search: (offset: number): string => encode('s', String(offset)),
}
