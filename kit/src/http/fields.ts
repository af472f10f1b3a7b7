import { z } from '@hono/zod-openapi'

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids are compared as text by clients and as keys by Kafka, so there is one spelling only. */
export const uuid = z
  .string()
  .regex(uuidPattern, 'A lower-case UUID')
  .openapi({ format: 'uuid', example: '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11' })

/**
 * A text that `parse` makes a value of; undefined = it breaks the rule, which the client is told.
 *
 * @param longest UTF-16 code units: bounded before anything is done with it
 */
export const parsedField = <T>(longest: number, parse: (text: string) => T | undefined, rule: string) =>
  z
    .string()
    .max(longest)
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })
    .openapi({ type: 'string', description: rule })

/** A query parameter that counts, within bounds (both inclusive). */
export const countField = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback)

/** A list's cursor: opaque to clients, and refused by every other list. */
export interface Cursor<P> {
  readonly write: (place: P) => string
  readonly field: ReturnType<typeof parsedField<P>>
}

/**
 * @param kind differs from list to list
 * @param write what stands for a place, without `:`s at its beginning
 * @param read undefined when this stands for none: a client may send anything
 */
export const cursor = <P>(
  kind: string,
  write: (place: P) => string,
  read: (text: string) => P | undefined,
): Cursor<P> => ({
  write: (place) => Buffer.from(`${kind}:${write(place)}`).toString('base64url'),
  field: parsedField(
    200,
    (text) => {
      const [found, place] = Buffer.from(text, 'base64url').toString().split(/:(.*)/s)
      return found === kind && place !== undefined ? read(place) : undefined
    },
    'A cursor that a page before gave as `next`',
  ),
})

/** The cursor of the page after this one; null when this one was not full, so that nothing can follow. */
export const nextCursor = <T>(
  page: readonly T[],
  limit: number,
  write: (last: T) => string,
): string | null => {
  const last = page.at(-1)
  return last === undefined || page.length < limit ? null : write(last)
}
