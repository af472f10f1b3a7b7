import { language, words } from './index.ts'

const dayOf = (time: Date): number => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime()
const dayMs = 24 * 60 * 60 * 1000

/** Seconds as m:ss, or h:mm:ss. */
export const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds))
  const pad = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  return hours === 0 ? `${minutes}:${pad(whole % 60)}` : `${hours}:${pad(minutes)}:${pad(whole % 60)}`
}

export const timeOfDay = (iso: string): string =>
  new Intl.DateTimeFormat(language.value, { hour: '2-digit', minute: '2-digit' }).format(new Date(iso))

export const dateOf = (iso: string): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'medium' }).format(new Date(iso))

export const momentOf = (iso: string): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))

/** The heading of a day in a conversation. */
export const dayName = (iso: string): string => {
  const time = new Date(iso)
  const days = Math.round((dayOf(new Date()) - dayOf(time)) / dayMs)
  if (days === 0) return words.value.chat.today
  if (days === 1) return words.value.chat.yesterday
  return new Intl.DateTimeFormat(language.value, { weekday: 'long', day: 'numeric', month: 'long' }).format(
    time,
  )
}

export const isSameDay = (one: string, other: string): boolean =>
  dayOf(new Date(one)) === dayOf(new Date(other))

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/** How long ago, roughly; a date when that was weeks ago. */
export const ago = (iso: string): string => {
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000
  if (seconds < -14 * 86_400) return dateOf(iso)
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' })
  for (const [unit, length] of units)
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit)
  return format.format(0, 'minute')
}
