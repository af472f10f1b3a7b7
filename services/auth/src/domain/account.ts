import { Rejection } from './rejection.ts'

/** Bytes that only auth can open, and nobody once the person's data key is deleted. */
export type Sealed = Uint8Array

/** What an account may be given beyond what everybody may, sorted from the least to the most. */
export const roles = ['moderator', 'admin'] as const
export type Role = (typeof roles)[number]

/** How an account came to be, and a session began. */
export type RegistrationMethod = 'password' | 'oidc' | 'import'

/** - `withdrawn`: whoever had set it never proved the address */
export type PasswordChangeReason = 'changed' | 'reset' | 'withdrawn'

/** What happened to an account. `at`: by the clock of the process that decided it. */
export type AccountEvent = { readonly userId: string; readonly at: Date } & (
  | {
      readonly type: 'registered'
      /** A text where it was written before names were sealed. */
      readonly displayName: Sealed | string
      readonly email: Sealed
      readonly emailVerified: boolean
      readonly method: RegistrationMethod
      /** Of the former platform, for method `import`. */
      readonly formerId: string | null
    }
  | { readonly type: 'email-verified' }
  | { readonly type: 'password-changed'; readonly reason: PasswordChangeReason }
  | { readonly type: 'identity-linked'; readonly issuer: string; readonly subject: Sealed }
  /** `changedBy`: a user id, or `operator`. */
  | { readonly type: 'roles-changed'; readonly roles: readonly Role[]; readonly changedBy: string }
  | { readonly type: 'erased' }
)

/** What is asked of an account. */
export type AccountCommand = { readonly userId: string; readonly at: Date } & (
  | (Omit<Extract<AccountEvent, { type: 'registered' }>, 'type' | 'userId' | 'at'> & {
      readonly type: 'register'
    })
  | { readonly type: 'verify-email' }
  | { readonly type: 'change-password'; readonly reason: PasswordChangeReason }
  | { readonly type: 'link-identity'; readonly issuer: string; readonly subject: Sealed }
  | { readonly type: 'change-roles'; readonly roles: readonly Role[]; readonly changedBy: string }
  | { readonly type: 'erase' }
)

/** What decisions rest on. */
export interface Account {
  readonly status: 'none' | 'active' | 'erased'
  readonly emailVerified: boolean
  readonly roles: readonly Role[]
}

export const noAccount: Account = { status: 'none', emailVerified: false, roles: [] }

/** Pure: the state after an event. */
export const evolveAccount = (account: Account, event: AccountEvent): Account => {
  switch (event.type) {
    case 'registered':
      return { status: 'active', emailVerified: event.emailVerified, roles: [] }
    case 'email-verified':
      return { ...account, emailVerified: true }
    case 'password-changed':
    case 'identity-linked':
      return account
    case 'roles-changed':
      return { ...account, roles: event.roles }
    case 'erased':
      return { ...account, status: 'erased', roles: [] }
  }
}

/** Each role once, in the order in which they are known. */
export const sortRoles = (wanted: readonly Role[]): Role[] => roles.filter((role) => wanted.includes(role))

/** Pure: what a command comes to. Throws Rejection `no-such-account`, also for an account that was erased. */
export const decideAccount = (command: AccountCommand, account: Account): AccountEvent[] => {
  const { userId, at } = command
  if (command.type === 'register')
    return account.status === 'none' ? [{ ...command, type: 'registered' }] : []
  if (command.type === 'erase') return account.status === 'active' ? [{ type: 'erased', userId, at }] : []
  if (account.status !== 'active') throw new Rejection('no-such-account')
  switch (command.type) {
    case 'verify-email':
      return account.emailVerified ? [] : [{ type: 'email-verified', userId, at }]
    case 'change-password':
      return [{ ...command, type: 'password-changed' }]
    case 'link-identity':
      return [{ ...command, type: 'identity-linked' }]
    case 'change-roles': {
      const wanted = sortRoles(command.roles)
      if (wanted.join() === account.roles.join()) return []
      return [{ ...command, type: 'roles-changed', roles: wanted }]
    }
  }
}
