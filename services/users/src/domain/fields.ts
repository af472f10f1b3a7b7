/** Bounds on what people write about themselves, in Unicode code points unless said. */
export const limits = {
  displayName: 80,
  bio: 500,
  location: 100,
  links: 5,
  linkLabel: 40,
  /** UTF-16 code units, as URLs are ASCII once they are parsed. */
  linkUrl: 500,
  fullName: 120,
} as const

// Control characters and lone surrogates have no place in a text; line separators are for texts of several lines.
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u
const unfitInLines = /[\p{Cs}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u
// Bidirectional overrides and isolates would rearrange the page around a name.
const rearranging = /[\u202a-\u202e\u2066-\u2069]/u

const fits = (text: string, most: number): boolean => Array.from(text).length <= most

const line = (text: string, most: number): string | undefined => {
  const value = text.normalize('NFC').trim()
  return fits(value, most) && !unfit.test(value) && !rearranging.test(value) ? value : undefined
}

/** A text of one line in NFC, trimmed; undefined when it is empty, too long, or holds what no line has. */
export const normaliseLine = (text: string, most: number): string | undefined => {
  const value = line(text, most)
  return value === '' ? undefined : value
}

/** The same, but it may be empty. */
export const normaliseOptionalLine = line

/** A text of several lines: NFC, trimmed, line ends made \n. undefined when it is too long or holds what no text has. */
export const normaliseText = (text: string, most: number): string | undefined => {
  const value = text.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim()
  return fits(value, most) && !unfitInLines.test(value) && !rearranging.test(value) ? value : undefined
}

/** A handle: 3 to 30 letters, digits and underscores, in lower case; undefined for anything else. */
export const normaliseHandle = (text: string): string | undefined => {
  const value = text.trim().replace(/^@/, '').toLowerCase()
  return /^[a-z0-9_]{3,30}$/.test(value) ? value : undefined
}

/** An https address without a user or password in it; undefined for anything else. */
export const normaliseLink = (text: string): string | undefined => {
  const trimmed = text.trim()
  if (trimmed.length > limits.linkUrl || !URL.canParse(trimmed)) return undefined
  const url = new URL(trimmed)
  const isPlain = url.protocol === 'https:' && url.username === '' && url.password === ''
  return isPlain && url.href.length <= limits.linkUrl ? url.href : undefined
}

/** A telephone number as E.164 has it (+ and up to 15 digits); blanks, dots, hyphens and brackets are dropped. */
export const normalisePhone = (text: string): string | undefined => {
  const value = text.replaceAll(/[\s().-]/g, '')
  return /^\+[1-9]\d{6,14}$/.test(value) ? value : undefined
}

/** A day of the calendar that is over (ISO 8601), not before 1900; undefined for anything else. */
export const normaliseBirthDate = (text: string, today: Date): string | undefined => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const day = new Date(`${text}T00:00:00Z`)
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
  return isDay && text >= '1900-01-01' && day.getTime() < today.getTime() ? text : undefined
}

/** A language tag in its canonical form (BCP 47); undefined for anything else. */
export const normaliseLanguage = (text: string): string | undefined => {
  try {
    return text.length <= 35 ? Intl.getCanonicalLocales(text)[0] : undefined
  } catch {
    return undefined
  }
}

/** A time zone of the IANA database, as it is written there; undefined for anything else. */
export const normaliseTimeZone = (text: string): string | undefined => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/** What search compares: without case, accents and compatibility forms, one blank between words. */
export const searchForm = (text: string): string =>
  text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase().replaceAll(/\s+/g, ' ').trim()
