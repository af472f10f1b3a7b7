/** One setting of a process: how its text is read, and what an operator must know of it. */
export interface Setting<T> {
  /** What it is for, one sentence. */
  readonly doc: string
  /** What a value looks like, for messages and tables: "a whole number from 1 to 100". */
  readonly shape: string
  /** The text that stands in when the variable is missing or empty; undefined = it must be given. */
  readonly fallback: string | undefined
  /** May be missing: its value is then undefined. */
  readonly optional: boolean
  /** Never printed, neither in messages nor in tables. */
  readonly secret: boolean
  /** Throws an Error whose message says what is wrong with the text. Must not repeat the text of a secret. */
  readonly parse: (text: string) => T
}

/** Variables by name. */
export type EnvironmentSpec = Readonly<Record<string, Setting<unknown>>>

/** What readEnv returns for a spec. */
export type EnvironmentValues<S extends EnvironmentSpec> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never
}

const setting = <T>(
  doc: string,
  shape: string,
  fallback: string | undefined,
  parse: (text: string) => T,
  secret = false,
): Setting<T> => ({ doc, shape, fallback, optional: false, secret, parse })

/** Any text. */
export const string = (doc: string, fallback?: string): Setting<string> =>
  setting(doc, 'text', fallback, (text) => text)

/**
 * An absolute URL, returned as it was given.
 *
 * @param schemes without the colon; http and https unless given
 */
export const url = (
  doc: string,
  fallback?: string,
  { schemes = ['http', 'https'] }: { schemes?: readonly string[] } = {},
): Setting<string> =>
  setting(doc, `a URL (${schemes.map((scheme) => `${scheme}://`).join(', ')})`, fallback, (text) => {
    // The text is not repeated: a URL may hold a password.
    if (!URL.canParse(text)) throw new Error('is not a URL')
    const scheme = new URL(text).protocol.slice(0, -1)
    if (!schemes.includes(scheme)) throw new Error(`has the scheme ${scheme}`)
    return text
  })

/** Items separated by commas; blanks around them and empty items are dropped. At least one, unless a default is given. */
export const list = (doc: string, fallback?: readonly string[]): Setting<string[]> =>
  setting(doc, 'items separated by commas', fallback?.join(','), (text) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    if (items.length === 0 && fallback?.length !== 0) throw new Error('has no items')
    return items
  })

/** A part of Veza that is asked at another process. */
export interface NamedUrl {
  readonly name: string
  /** Without a slash at its end. */
  readonly url: string
}

/** Parts of Veza and where each is asked: `chat=http://127.0.0.1:9080,…`. None unless given. */
export const namedUrls = (doc: string): Setting<NamedUrl[]> => ({
  ...list(doc, []),
  shape: 'name=http://host:port, separated by commas',
  parse: (text) =>
    list(doc, [])
      .parse(text)
      .map((item) => {
        const [, name, base] = /^([a-z][a-z-]*)=(https?:\/\/.+?)\/*$/.exec(item) ?? []
        if (name === undefined || base === undefined || !URL.canParse(base))
          throw new Error(`has ${item}: expected name=http://host:port`)
        return { name, url: base }
      }),
})

const bounded = (text: string, value: number, min: number, max: number): number => {
  if (value < min || value > max) throw new Error(`is ${text}`)
  return value
}

const range = (min: number, max: number): string =>
  max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`

/** A whole number, 0 or more unless bounds are given (both inclusive). */
export const integer = (
  doc: string,
  fallback?: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): Setting<number> =>
  setting(doc, `a whole number ${range(min, max)}`, fallback?.toString(), (text) => {
    if (!/^-?\d{1,15}$/.test(text)) throw new Error(`is ${JSON.stringify(text)}`)
    return bounded(text, Number(text), min, max)
  })

/** A decimal number, 0 or more unless bounds are given (both inclusive). */
export const number = (
  doc: string,
  fallback?: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): Setting<number> =>
  setting(doc, `a number ${range(min, max)}`, fallback?.toString(), (text) => {
    if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) throw new Error(`is ${JSON.stringify(text)}`)
    return bounded(text, Number(text), min, max)
  })

const measured = (text: string, units: Readonly<Record<string, number>>, pattern: RegExp): number => {
  const [, amount, unit = ''] = pattern.exec(text) ?? []
  const factor = units[unit]
  if (amount === undefined || factor === undefined) throw new Error(`is ${JSON.stringify(text)}`)
  const value = Number(amount) * factor
  if (!Number.isSafeInteger(value)) throw new Error(`is ${text}, which is too much`)
  return value
}

const durations = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A length of time such as 250ms, 30s, 10m, 1h, 7d. Its value is in milliseconds. */
export const duration = (doc: string, fallback?: string): Setting<number> =>
  setting(doc, 'a duration such as 250ms, 30s, 10m, 1h', fallback, (text) =>
    measured(text, durations, /^(\d{1,12})(ms|s|m|h|d)$/),
  )

const sizes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A size such as 512B, 64KiB, 10MiB, 1GiB. Its value is in bytes. */
export const bytes = (doc: string, fallback?: string): Setting<number> =>
  setting(doc, 'a size such as 512B, 64KiB, 10MiB, 1GiB', fallback, (text) =>
    measured(text, sizes, /^(\d{1,12})(B|KiB|MiB|GiB)$/),
  )

/** Text that must never be seen: at least 16 characters. It has no default, since a known secret is none. */
export const secret = (doc: string): Setting<string> =>
  setting(
    doc,
    'a secret of at least 16 characters',
    undefined,
    (text) => {
      if (text.length < 16) throw new Error('is too short')
      return text
    },
    true,
  )

/** A key: base64 (standard alphabet, padded) of exactly so many bytes. */
export const secretBytes = (doc: string, length: number): Setting<Buffer> =>
  setting(
    doc,
    `base64 of ${length} random bytes (openssl rand -base64 ${length})`,
    undefined,
    (text) => {
      const key = Buffer.from(text, 'base64')
      if (key.toString('base64') !== text) throw new Error('is not base64')
      if (key.length !== length) throw new Error(`has ${key.length} bytes`)
      return key
    },
    true,
  )

/** true or false. */
export const flag = (doc: string, fallback?: boolean): Setting<boolean> =>
  setting(doc, 'true or false', fallback?.toString(), (text) => {
    if (text !== 'true' && text !== 'false') throw new Error(`is ${JSON.stringify(text)}`)
    return text === 'true'
  })

/** One of a few words. */
export const oneOf = <const V extends string>(doc: string, values: readonly V[], fallback?: V): Setting<V> =>
  setting(doc, `one of ${values.join(', ')}`, fallback, (text) => {
    const found = values.find((value) => value === text)
    if (found === undefined) throw new Error(`is ${JSON.stringify(text)}`)
    return found
  })

/** The same setting, but undefined when it is not given. */
export const optional = <T>(inner: Setting<T>): Setting<T | undefined> => ({ ...inner, optional: true })
