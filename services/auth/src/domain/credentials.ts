/**
 * The one form in which a person's input is compared and stored. Each parser answers undefined for what it refuses,
 * and is idempotent: parse(parse(x)) = parse(x).
 */

const utf8 = new TextEncoder()
const bytes = (text: string) => utf8.encode(text).length
const characters = (text: string) => Array.from(text).length

// A lone surrogate has no UTF-8 form: it would be stored as U+FFFD, and two different passwords would be one.
const illFormed = /\p{Cs}/u

const localPart = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
const domainPart = /^[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$/u
const domainLabels = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** ASCII (punycode) form of an internationalised domain, so that its two spellings are one address. */
const asciiDomain = (domain: string): string | undefined => {
  if (!domainPart.test(domain)) return undefined
  try {
    const ascii = new URL(`http://${domain}`).hostname
    return domainLabels.test(ascii) ? ascii : undefined
  } catch {
    return undefined
  }
}

/**
 * An e-mail address: NFKC, lower case on both sides, the domain in ASCII. At most 64 bytes before the @ and 254 in
 * all (RFC 5321). Quoted local parts and address literals are refused: nobody signs up with one, many forge one.
 */
export const parseEmail = (input: string): string | undefined => {
  const text = input.trim().normalize('NFKC').toLowerCase().normalize('NFKC')
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  const domain = asciiDomain(text.slice(at + 1))
  if (domain === undefined || !localPart.test(local) || bytes(local) > 64) return undefined
  const email = `${local}@${domain}`
  return bytes(email) <= 254 ? email : undefined
}

// Controls and line separators break lines and logs; directional overrides make one name look like another.
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

/** The name that others see: NFC, trimmed, 1 to 80 characters (code points), at least one of them visible. */
export const parseDisplayName = (input: string): string | undefined => {
  const name = input.normalize('NFC').trim()
  const refused =
    illFormed.test(name) || unprintable.test(name) || !visible.test(name) || characters(name) > 80
  return refused ? undefined : name
}

/** A password in the form that is hashed: NFC (keyboards differ in it), nothing trimmed. */
export const normalisePassword = (input: string): string => input.normalize('NFC')

/** A password to set: 8 to 256 characters (code points) after normalisation. */
export const parsePassword = (input: string): string | undefined => {
  const password = normalisePassword(input)
  const length = characters(password)
  return illFormed.test(password) || length < 8 || length > 256 ? undefined : password
}
