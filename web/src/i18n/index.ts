import { computed, effect, signal } from '@preact/signals'
import { type ApiProblem } from '../api/problem.ts'
import { en, type Words } from './en.ts'
import { fr } from './fr.ts'

const dictionaries = { en, fr } satisfies Record<string, Words>
export type Language = keyof typeof dictionaries
export const languages = Object.keys(dictionaries) as Language[]

const storageKey = 'veza.language'

export const isLanguage = (value: string | null | undefined): value is Language =>
  value !== null && value !== undefined && Object.hasOwn(dictionaries, value)

const preferred = (): Language => {
  const chosen = localStorage.getItem(storageKey)
  if (isLanguage(chosen)) return chosen
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en'
}

export const language = signal<Language>(preferred())

/** What the page says, in the language of whoever reads it. */
export const words = computed<Words>(() => dictionaries[language.value])

export const chooseLanguage = (chosen: Language): void => {
  localStorage.setItem(storageKey, chosen)
  language.value = chosen
}

effect(() => {
  document.documentElement.lang = language.value
})

/** A problem in words. */
export const sayProblem = ({ code, status }: Pick<ApiProblem, 'code' | 'status'>): string => {
  const { problems } = words.value
  const known = Object.hasOwn(problems.codes, code) ? problems.codes[code] : undefined
  if (known !== undefined) return known
  if (code === 'unreachable') return problems.unreachable
  return status === 429 || status >= 500 ? problems.unavailable : problems.general
}
