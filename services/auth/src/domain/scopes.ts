import { type Role } from './account.ts'

const ofEverybody = ['account', 'chat', 'tracks']
const ofRoles: Readonly<Record<Role, readonly string[]>> = {
  moderator: ['moderate'],
  admin: ['moderate', 'audit:read', 'dead-letters:redrive', 'roles:write', 'status:read'],
}

/**
 * What an access token may be used for: RFC 9068's `scope`, sorted. Services ask for a scope, not for a role, so that a
 * token that does less can be made without teaching them anything.
 */
export const scopesOf = (roles: readonly Role[]): string[] =>
  [...new Set([...ofEverybody, ...roles.flatMap((role) => ofRoles[role])])].sort()
