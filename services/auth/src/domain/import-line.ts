import { createHash } from 'node:crypto'
import { type Role, roles } from './account.ts'
import { parseDisplayName, parseEmail } from './credentials.ts'
import { isAcceptableHash } from './password-hash.ts'

/** An account of another platform, in our form. */
export interface ImportedAccount {
  readonly userId: string
  readonly formerId: string
  readonly email: string
  readonly emailVerified: boolean
  readonly displayName: string
  /** null: the person signs in by choosing a new one by mail. */
  readonly passwordHash: string | null
  readonly roles: readonly Role[]
  readonly registeredAt: Date
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Of the UUIDs (version 5, RFC 9562) of accounts whose former id is none. Never changed: ids would change with it. */
const namespace = Buffer.from('6f1d2c8a3b5e4f70918273645546372a', 'hex')

/** The same id for the same former id, whenever it is imported. */
export const importedUserId = (formerId: string): string => {
  if (uuid.test(formerId)) return formerId.toLowerCase()
  const bytes = createHash('sha1').update(namespace).update(formerId).digest().subarray(0, 16)
  bytes.writeUInt8(0x50 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const isRoles = (value: unknown): value is Role[] =>
  Array.isArray(value) && value.every((item) => (roles as readonly unknown[]).includes(item))

const readObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const longestLine = 16_384

/**
 * Pure: one line of an import, JSON: `id` (text or number), `email`, `displayName`, `passwordHash` (bcrypt or argon2, or
 * null), `emailVerified` (false unless given), `roles` (none unless given), `registeredAt` (ISO 8601; now unless given).
 * Answers what is wrong as text, which repeats nothing of the line.
 */
export const parseImportLine = (text: string, now: Date): ImportedAccount | string => {
  if (text.length > longestLine) return `is longer than ${longestLine} characters`
  const line = readObject(text)
  if (!line) return 'is no JSON object'
  const { id, passwordHash = null, emailVerified = false, roles: given = [], registeredAt } = line
  const formerId = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id
  if (typeof formerId !== 'string' || formerId === '' || formerId.length > 100)
    return 'id is no text of 1 to 100 characters and no whole number'
  const email = typeof line['email'] === 'string' ? parseEmail(line['email']) : undefined
  if (email === undefined) return 'email is no e-mail address'
  const displayName =
    typeof line['displayName'] === 'string' ? parseDisplayName(line['displayName']) : undefined
  if (displayName === undefined) return 'displayName has not 1 to 80 printable characters'
  if (passwordHash !== null && (typeof passwordHash !== 'string' || !isAcceptableHash(passwordHash)))
    return 'passwordHash is no bcrypt or argon2 hash of a cost that we verify'
  if (typeof emailVerified !== 'boolean') return 'emailVerified is neither true nor false'
  if (!isRoles(given)) return `roles are other than ${roles.join(', ')}`
  const registered =
    registeredAt === undefined ? now : new Date(typeof registeredAt === 'string' ? registeredAt : NaN)
  if (Number.isNaN(registered.getTime()) || registered > now) return 'registeredAt is no time of the past'
  const userId = importedUserId(formerId)
  return {
    userId,
    formerId,
    email,
    emailVerified,
    displayName,
    passwordHash,
    roles: given,
    registeredAt: registered,
  }
}
