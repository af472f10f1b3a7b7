import { parsedField, uuid, z } from '@veza/kit/http'
import { avatarSizes } from '../adapters/schema.ts'
import { type Follow } from '../domain/pair.ts'
import { type Summary } from '../queries/summaries.ts'
import {
  limits,
  normaliseBirthDate,
  normaliseHandle,
  normaliseLanguage,
  normaliseLine,
  normaliseLink,
  normaliseOptionalLine,
  normalisePhone,
  normaliseText,
  normaliseTimeZone,
} from '../domain/fields.ts'

const displayName = parsedField(
  512,
  (text) => normaliseLine(text, limits.displayName),
  `1 to ${limits.displayName} characters on one line; trimmed and brought to NFC`,
)
const handle = parsedField(
  64,
  normaliseHandle,
  '3 to 30 letters a to z, digits and underscores; in any case, an @ in front is dropped. Nobody else has it',
)
const bio = parsedField(
  4_000,
  (text) => normaliseText(text, limits.bio),
  `At most ${limits.bio} characters, several lines`,
)
const location = parsedField(
  512,
  (text) => normaliseOptionalLine(text, limits.location),
  `At most ${limits.location} characters`,
)
const link = z
  .object({
    label: parsedField(
      256,
      (text) => normaliseOptionalLine(text, limits.linkLabel),
      `At most ${limits.linkLabel} characters; may be empty`,
    ).default(''),
    url: parsedField(2_000, normaliseLink, 'An https address'),
  })
  .openapi('Link')

const fullName = parsedField(
  512,
  (text) => normaliseLine(text, limits.fullName),
  `1 to ${limits.fullName} characters`,
)
const phone = parsedField(40, normalisePhone, 'A telephone number with its country code: +49 30 1234567')
const birthDate = parsedField(
  10,
  (text) => normaliseBirthDate(text, new Date()),
  'A day since 1900 that is over: 1990-12-31',
)

const followsVisibleTo = z.enum(['everyone', 'followers', 'nobody']).openapi({
  description: 'Who sees whom the person follows and is followed by',
})

/** null takes away what may be missing; what is left out stays. */
export const profileChanges = z
  .object({
    displayName: displayName.optional(),
    handle: handle.nullable().optional(),
    bio: bio.optional(),
    location: location.optional(),
    links: z.array(link).max(limits.links).optional(),
    private: z
      .object({
        fullName: fullName.nullable().optional(),
        phone: phone.nullable().optional(),
        birthDate: birthDate.nullable().optional(),
      })
      .optional()
      .openapi({ description: 'Nobody else sees these' }),
    privacy: z
      .object({
        approveFollowers: z.boolean().optional(),
        searchable: z.boolean().optional(),
        followsVisibleTo: followsVisibleTo.optional(),
      })
      .optional(),
  })
  .openapi('ProfileChanges')

const theme = z.enum(['system', 'light', 'dark'])
export const settingsChanges = z
  .object({
    language: parsedField(35, normaliseLanguage, 'A language tag (BCP 47): pt-BR').optional(),
    timeZone: parsedField(
      64,
      normaliseTimeZone,
      'A time zone of the IANA database: Europe/Berlin',
    ).optional(),
    theme: theme.optional(),
    emailNotifications: z.boolean().optional(),
  })
  .openapi('SettingsChanges')
export const settings = z
  .object({ language: z.string(), timeZone: z.string(), theme, emailNotifications: z.boolean() })
  .openapi('Settings')

const avatar = z
  .record(z.enum(avatarSizes.map(String) as [string, ...string[]]), z.string())
  .nullable()
  .openapi({ description: 'By size in pixels, the address of the picture; null: there is none' })
const links = z.array(z.object({ label: z.string(), url: z.string() }))
const time = z.iso.datetime()
const follow = z.enum(['none', 'requested', 'following'] satisfies Follow[])

const summaryFields = { id: uuid, displayName: z.string(), handle: z.string().nullable(), avatar }
export const summary = z.object(summaryFields).openapi('UserSummary')
const countFields = { followers: z.int(), following: z.int() }
const publicFields = { ...summaryFields, bio: z.string(), location: z.string(), links }

export const me = z
  .object({
    ...publicFields,
    ...countFields,
    private: z.object({
      fullName: z.string().nullable(),
      phone: z.string().nullable(),
      birthDate: z.string().nullable(),
    }),
    privacy: z.object({ approveFollowers: z.boolean(), searchable: z.boolean(), followsVisibleTo }),
    erasureDueAt: time.nullable().openapi({ description: 'null: no erasure was asked for' }),
    createdAt: time,
    version: z.int().openapi({ description: 'Grows with each change; the ETag' }),
  })
  .openapi('Me')

export const user = z
  .object({
    ...publicFields,
    ...countFields,
    approveFollowers: z.boolean().openapi({ description: 'Followers have to be accepted' }),
    createdAt: time,
    relationship: z
      .object({ following: follow, followedBy: follow })
      .nullable()
      .openapi({ description: 'Between the caller and this person; null: it is the caller' }),
  })
  .openapi('User')

export const relationshipChanged = z
  .object({
    userId: uuid,
    following: follow.openapi({ description: "The caller's of this person" }),
    followedBy: follow.openapi({ description: "This person's of the caller" }),
    blocking: z.boolean(),
  })
  .openapi('RelationshipChanged')

export const next = z
  .string()
  .nullable()
  .openapi({ description: 'Cursor of the next page; null: this was the last' })
export const listedPage = z
  .object({ users: z.array(z.object({ ...summaryFields, since: time })), next })
  .openapi('UserList')
export const foundPage = z.object({ users: z.array(summary), next }).openapi('UserSearchResult')

/** Addresses of the sizes of a picture. */
export const avatarOf = (userId: string, avatarId: string | null) =>
  avatarId === null
    ? null
    : Object.fromEntries(
        avatarSizes.map((size) => [String(size), `/v1/users/${userId}/avatars/${avatarId}/${size}.webp`]),
      )

export const summaryOf = ({ userId, displayName, handle, avatarId }: Summary) => ({
  id: userId,
  displayName,
  handle,
  avatar: avatarOf(userId, avatarId),
})
