import { z } from '@veza/kit/http'
import { normaliseWord } from '../domain/policy.ts'
import { normaliseName } from '../domain/room.ts'

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids are compared as text by clients and as keys by Kafka, so there is one spelling only. */
export const id = z
  .string()
  .regex(uuidPattern, 'A lower-case UUID')
  .openapi({ format: 'uuid', example: '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11' })

/** A text that `parse` makes a value of. Bounded before anything is done with it. */
const parsed = <T>(longest: number, parse: (text: string) => T | undefined, rule: string) =>
  z
    .string()
    .max(longest)
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })

const nameRule = '1 to 80 characters, no control characters; trimmed and brought to NFC'

export const roomName = parsed(512, normaliseName, nameRule).openapi({
  description: nameRule,
  example: 'Ambient',
})

const wordRule = '1 to 64 characters, trimmed; compared without regard to case'

/** A word or phrase that is not to be let through. */
export const blockedWord = parsed(
  128,
  (text) => {
    const word = normaliseWord(text)
    return word !== '' && Array.from(word).length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(word) ? word : undefined
  },
  wordRule,
).openapi({ description: wordRule })

/** Free text. NUL and lone surrogates are in nothing that is stored, or looked for in the store. */
export const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => !/[\0\p{Surrogate}]/u.test(value), 'Well-formed Unicode without NUL')

/** A query parameter that counts, within bounds (both inclusive). */
export const count = (min: number, max: number, fallback?: number) => {
  const number = z.coerce.number().int().min(min).max(max)
  return fallback === undefined ? number : number.default(fallback)
}

const encode = (kind: string, position: string) => Buffer.from(`${kind}:${position}`).toString('base64url')

const decode = (kind: string, pattern: RegExp) => (text: string) => {
  const [found, position] = Buffer.from(text, 'base64url').toString().split(/:(.*)/s)
  return found === kind && position !== undefined && pattern.test(position) ? position : undefined
}

const cursorOf = (kind: string, pattern: RegExp) => ({
  write: (position: string) => encode(kind, position),
  field: parsed(128, decode(kind, pattern), 'A cursor that a page before gave').openapi({
    type: 'string',
    description: '`next` of the page before',
  }),
})

/** Opaque to clients; each list has its own, so that one list's cursor is refused by another. */
export const cursors = {
  rooms: cursorOf('r', uuidPattern),
  members: cursorOf('u', uuidPattern),
  invitations: cursorOf('i', uuidPattern),
  bans: cursorOf('b', uuidPattern),
  notifications: cursorOf('n', /^\d{1,16}:[0-9a-f-]{36}$/),
  search: cursorOf('s', /^\d{1,16}:[0-9a-f-]{36}$/),
  messages: cursorOf('m', /^[1-9]\d{0,15}$/),
}

/** null when the page was not full, so nothing can follow. */
export const nextCursor = <T>(
  page: readonly T[],
  limit: number,
  write: (last: T) => string,
): string | null => {
  const last = page.at(-1)
  return last === undefined || page.length < limit ? null : write(last)
}
