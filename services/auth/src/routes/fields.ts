import { z } from '@veza/kit/http'
import { roles } from '../domain/account.ts'
import { parseDisplayName, parseEmail, parsePassword } from '../domain/credentials.ts'

/** A text field that the domain parses. The longest text is bounded before anything is done with it. */
const field = (longest: number, parse: (text: string) => string | undefined, rule: string, example: string) =>
  z
    .string()
    .max(longest)
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })
    .openapi({ description: rule, example })

export const email = field(512, parseEmail, 'An e-mail address of at most 254 bytes', 'ana@example.org')
export const newPassword = field(1024, parsePassword, '8 to 256 characters', 'correct horse battery')
export const displayName = field(512, parseDisplayName, '1 to 80 characters, no control characters', 'Ana')

/** Whatever was given as an address or a password to sign in with: a wrong form is answered as a wrong value. */
export const givenEmail = z.string().max(512).openapi({ example: 'ana@example.org' })
export const givenPassword = z.string().max(1024).openapi({ example: 'correct horse battery' })

/** The token of a letter. */
export const letterToken = z
  .string()
  .regex(/^[\w-]{43}$/)
  .openapi({ description: "What stands behind #token= in the letter's link" })

export const id = z.uuid().transform((text) => text.toLowerCase())
export const time = z.iso.datetime().openapi({ example: '2026-11-22T18:00:00.000Z' })
export const role = z.enum(roles)
export const version = z
  .int()
  .min(0)
  .openapi({ description: 'Of the account: what it is changed at. Another one is answered 409' })

export const signedIn = z
  .object({
    user: z.object({ id: z.uuid(), email: z.string(), displayName: z.string() }),
    accessToken: z.string().openapi({ description: 'ES256 JWT; its keys are at /.well-known/jwks.json' }),
    refreshToken: z.string().openapi({ description: 'Is exchanged once; valid for 30 days' }),
    expiresIn: z.int().openapi({ description: 'Of the access token, seconds', example: 600 }),
  })
  .openapi('SignedIn')
