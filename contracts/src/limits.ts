/**
 * Bounds on fields, the same at every edge. Texts count Unicode code points, from 1 up; mentions are people, positions in
 * tracks milliseconds from 0 up.
 */
export const limits = {
  clientMessageId: 64,
  body: 4000,
  reaction: 32,
  mentions: 50,
  trackPositionMs: 86_400_000,
} as const

export type PostProblem = 'invalid-client-message-id' | 'body-empty' | 'body-too-long' | 'body-invalid'

// Lone surrogates have no UTF-8 form, and PostgreSQL's text holds no NUL: neither would come back as it was sent.
const unstorable = /[\0\p{Surrogate}]/u
const onlyWhiteSpace = /^[\s\p{White_Space}]*$/u

/** Whether the text would not come back from a topic or the store as it was given. */
export const isUnstorable = (text: string): boolean => unstorable.test(text)

export function isLongerThan(text: string, codePoints: number): boolean {
  if (text.length <= codePoints) return false
  return text.length > 2 * codePoints || Array.from(text).length > codePoints
}

/** Whether it may name a command: 1 to 64 characters of well-formed Unicode without NUL. */
export const checkClientMessageId = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  !isLongerThan(value, limits.clientMessageId) &&
  !unstorable.test(value)

/**
 * Checks what a client gave for a message and returns it unchanged: nothing is trimmed, cut or normalised.
 * A body must be well-formed Unicode without NUL and hold more than white space; so must a clientMessageId, but for
 * the white space.
 */
export function checkPost(input: {
  clientMessageId: unknown
  body: unknown
}): { clientMessageId: string; body: string } | { code: PostProblem } {
  const { clientMessageId, body } = input
  if (!checkClientMessageId(clientMessageId)) return { code: 'invalid-client-message-id' }
  if (typeof body !== 'string') return { code: 'body-invalid' }
  if (isLongerThan(body, limits.body)) return { code: 'body-too-long' }
  if (unstorable.test(body)) return { code: 'body-invalid' }
  if (onlyWhiteSpace.test(body)) return { code: 'body-empty' }
  return { clientMessageId, body }
}
