import { randomUUID } from 'node:crypto'
import { type EventMetadata } from '@veza/kit/events'
import { type Transaction } from 'kysely'
import { accessTokenSeconds, type SignAccessToken } from '../adapters/access-tokens.ts'
import { type StoredAccount } from '../adapters/account-store.ts'
import { type AuthDatabase } from '../adapters/database.ts'
import { type PersonalData } from '../adapters/personal-data.ts'
import { type RefreshToken } from '../adapters/refresh-tokens.ts'
import { insertSession, projectSession, unrevokedSessions } from '../adapters/session-store.ts'
import { sessionStream, type Streams } from '../adapters/streams.ts'
import {
  decideRevocation,
  type RevocationReason,
  type SessionEvent,
  type SignInMethod,
} from '../domain/session.ts'
import { Rejection } from '../domain/rejection.ts'
import { type AuthDeps, type Caller } from './deps.ts'

/** What register, login and refresh answer. */
export interface SignedIn {
  readonly user: { readonly id: string; readonly email: string; readonly displayName: string }
  readonly accessToken: string
  readonly refreshToken: string
  /** Of the access token, seconds. */
  readonly expiresIn: number
}

/** Renders the tokens of a session, which begins now unless it began before. Rejects Rejection `no-such-account` when the person was erased meanwhile. */
export const signedIn = async (
  { sign, personal }: { sign: SignAccessToken; personal: PersonalData },
  account: StoredAccount,
  refreshToken: RefreshToken,
  now: Date,
  startedAt = now,
): Promise<SignedIn> => {
  const { id, roles } = account
  const said = await personal.openIntroduction(id, account)
  if (!said) throw new Rejection('no-such-account')
  const { displayName } = said
  return {
    user: { id, ...said },
    accessToken: await sign({ id, displayName, roles }, { id: refreshToken.sessionId, startedAt }, now),
    refreshToken: refreshToken.text,
    expiresIn: accessTokenSeconds,
  }
}

const refreshTokenLifetimeMs = 30 * 24 * 3600 * 1000

/** A family lives on while it is used: each token may wait 30 days for its exchange. */
export const refreshTokenExpiry = (now: Date): Date => new Date(now.getTime() + refreshTokenLifetimeMs)

/** A session to be, all that has to be sealed being sealed: no transaction is to wait for the holder of the keys. */
export interface PreparedSession {
  readonly event: Extract<SessionEvent, { type: 'started' }>
  readonly token: RefreshToken
  readonly network: Buffer | null
  readonly metadata: EventMetadata
}

/** Who did something and from where, for the audit. The address is sealed under the actor's key, in base64. */
export const metadataOf = (
  caller: Caller,
  { actor, address }: { actor: string; address: Buffer | null },
): EventMetadata => ({
  actor,
  address: address?.toString('base64'),
  correlation: caller.correlation,
  traceparent: caller.traceparent,
})

/** Seals the caller's address for metadataOf. */
export const actingAs = async (
  { personal }: { personal: PersonalData },
  actor: string,
  caller: Caller,
): Promise<EventMetadata> =>
  metadataOf(caller, { actor, ...(await personal.seal(actor, { address: caller.address })) })

/** Seals what a session keeps of the caller. */
export const prepareSession = async (
  deps: Pick<AuthDeps, 'personal' | 'index' | 'refreshTokens' | 'now'>,
  { userId, method }: { userId: string; method: SignInMethod },
  caller: Caller,
): Promise<PreparedSession> => {
  const token = deps.refreshTokens.first(randomUUID())
  const { address, client } = await deps.personal.seal(userId, {
    address: caller.address,
    client: caller.client,
  })
  return {
    event: { type: 'started', userId, sessionId: token.sessionId, at: deps.now(), method, address, client },
    token,
    network: caller.address === undefined ? null : deps.index.network(caller.address),
    metadata: metadataOf(caller, { actor: userId, address }),
  }
}

/** Starts a session: a refresh family and its first token. */
export const startSession = async (
  trx: Transaction<AuthDatabase>,
  streams: Streams,
  { event, token, network, metadata }: PreparedSession,
): Promise<void> => {
  await streams.sessions.execute(trx, {
    stream: sessionStream(event.sessionId),
    key: event.userId,
    decide: () => [event],
    metadata,
    alongside: () => insertSession(trx, { event, network, token, expiresAt: refreshTokenExpiry(event.at) }),
  })
}

/** Ends a session, if it goes on. */
export const endSession = async (
  trx: Transaction<AuthDatabase>,
  streams: Streams,
  command: { sessionId: string; userId: string; reason: RevocationReason; at: Date },
  metadata: EventMetadata,
): Promise<void> => {
  await streams.sessions.execute(trx, {
    stream: sessionStream(command.sessionId),
    key: command.userId,
    decide: (session) => decideRevocation(command, session),
    metadata,
    alongside: (_, { events }) => projectSession(trx, events),
  })
}

/** Ends every session of an account, but for one where it is named. */
export const endSessions = async (
  trx: Transaction<AuthDatabase>,
  streams: Streams,
  { userId, except, reason, at }: { userId: string; except?: string; reason: RevocationReason; at: Date },
  metadata: EventMetadata,
): Promise<void> => {
  for (const sessionId of await unrevokedSessions(trx, userId))
    if (sessionId !== except) await endSession(trx, streams, { sessionId, userId, reason, at }, metadata)
}
