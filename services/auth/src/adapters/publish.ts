import { type RecordOf, topics } from '@veza/contracts'
import {
  type AccountEvent,
  type PasswordChangeReason,
  type RegistrationMethod,
  type Role,
} from '../domain/account.ts'
import { type DeadLetterEvent } from '../domain/dead-letter.ts'
import { type RevocationReason, type SessionEvent, type SignInMethod } from '../domain/session.ts'

export const authTopic = topics.authEvents

/** A record of auth.events.v1. */
export type AuthRecord = RecordOf<typeof authTopic>

const bytes = (sealed: Uint8Array | null): Buffer | null => (sealed === null ? null : Buffer.from(sealed))

/** Domain event to contract record. */
export const accountRecord = (event: AccountEvent): AuthRecord => {
  const { userId } = event
  const time = event.at.getTime()
  switch (event.type) {
    case 'registered': {
      const { displayName, emailVerified, method, formerId } = event
      const value = { userId, emailVerified, method, formerId, registeredAt: time }
      const name =
        typeof displayName === 'string'
          ? { displayName, sealedName: null }
          : { displayName: '', sealedName: Buffer.from(displayName) }
      return { type: 'UserRegistered', value: { ...value, ...name, email: Buffer.from(event.email) } }
    }
    case 'email-verified':
      return { type: 'EmailVerified', value: { userId, verifiedAt: time } }
    case 'password-changed':
      return { type: 'PasswordChanged', value: { userId, reason: event.reason, changedAt: time } }
    case 'identity-linked': {
      const subject = Buffer.from(event.subject)
      return { type: 'IdentityLinked', value: { userId, issuer: event.issuer, subject, linkedAt: time } }
    }
    case 'roles-changed': {
      const { roles, changedBy } = event
      return { type: 'RolesChanged', value: { userId, roles: [...roles], changedBy, changedAt: time } }
    }
    case 'erased':
      return { type: 'AccountErased', value: { userId, erasedAt: time } }
  }
}

/** Domain event to contract record. */
export const sessionRecord = (event: SessionEvent): AuthRecord => {
  const { userId, sessionId } = event
  const time = event.at.getTime()
  if (event.type === 'revoked')
    return { type: 'SessionRevoked', value: { userId, sessionId, reason: event.reason, revokedAt: time } }
  const { method } = event
  const [address, client] = [bytes(event.address), bytes(event.client)]
  return { type: 'SessionStarted', value: { userId, sessionId, method, address, client, startedAt: time } }
}

/** Domain event to contract record. */
export const deadLetterRecord = (event: DeadLetterEvent): AuthRecord => {
  const { group, partition, offset, topic, eventId, redrivenBy } = event
  const place = { group, deadLetterPartition: partition, deadLetterOffset: offset }
  return {
    type: 'DeadLetterRedriven',
    value: { ...place, topic, eventId, redrivenBy, redrivenAt: event.at.getTime() },
  }
}

/**
 * The other way: what the store holds, as domain events. Its words are ours, since nobody else writes to it; records of
 * the other kind of stream are left out.
 */
export const accountEvents = (records: readonly AuthRecord[]): AccountEvent[] =>
  records.flatMap((record): AccountEvent[] => {
    // The only records that are about no account.
    if (record.type === 'DeadLetterRedriven') return []
    const { userId } = record.value
    switch (record.type) {
      case 'UserRegistered': {
        const { email, emailVerified, formerId, registeredAt } = record.value
        const displayName = record.value.sealedName ?? record.value.displayName
        const method = record.value.method as RegistrationMethod
        const event = { displayName, email, emailVerified, method, formerId }
        return [{ type: 'registered', userId, at: new Date(registeredAt), ...event }]
      }
      case 'EmailVerified':
        return [{ type: 'email-verified', userId, at: new Date(record.value.verifiedAt) }]
      case 'PasswordChanged': {
        const reason = record.value.reason as PasswordChangeReason
        return [{ type: 'password-changed', userId, at: new Date(record.value.changedAt), reason }]
      }
      case 'IdentityLinked': {
        const { issuer, subject, linkedAt } = record.value
        return [{ type: 'identity-linked', userId, at: new Date(linkedAt), issuer, subject }]
      }
      case 'RolesChanged': {
        const { changedBy, changedAt } = record.value
        const roles = record.value.roles as readonly Role[]
        return [{ type: 'roles-changed', userId, at: new Date(changedAt), roles, changedBy }]
      }
      case 'AccountErased':
        return [{ type: 'erased', userId, at: new Date(record.value.erasedAt) }]
      case 'SessionStarted':
      case 'SessionRevoked':
        return []
    }
  })

/** The same for the stream of a session. */
export const sessionEvents = (records: readonly AuthRecord[]): SessionEvent[] =>
  records.flatMap((record): SessionEvent[] => {
    if (record.type === 'SessionStarted') {
      const { userId, sessionId, address, client, startedAt } = record.value
      const method = record.value.method as SignInMethod
      return [{ type: 'started', userId, sessionId, at: new Date(startedAt), method, address, client }]
    }
    if (record.type !== 'SessionRevoked') return []
    const { userId, sessionId, revokedAt } = record.value
    const reason = record.value.reason as RevocationReason
    return [{ type: 'revoked', userId, sessionId, at: new Date(revokedAt), reason }]
  })

/** The same for the stream of a dead letter. */
export const deadLetterEvents = (records: readonly AuthRecord[]): DeadLetterEvent[] =>
  records.flatMap((record): DeadLetterEvent[] => {
    if (record.type !== 'DeadLetterRedriven') return []
    const { group, deadLetterPartition, deadLetterOffset, topic, eventId, redrivenBy, redrivenAt } =
      record.value
    const place = { group, partition: deadLetterPartition, offset: deadLetterOffset }
    return [{ type: 'redriven', ...place, topic, eventId, redrivenBy, at: new Date(redrivenAt) }]
  })
