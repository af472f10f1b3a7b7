/**
 * Error codes of replies and disconnect codes, as Centrifugo documents them ("Error and disconnect codes") and as the
 * published SDKs understand them.
 */

/** An error of a reply. SDKs try again what is `temporary`, and give up on the rest. */
export interface ProtocolError {
  readonly code: number
  readonly message: string
  readonly temporary?: boolean
}

export const errors = {
  internal: { code: 100, message: 'internal server error', temporary: true },
  unknownChannel: { code: 102, message: 'unknown channel' },
  permissionDenied: { code: 103, message: 'permission denied' },
  methodNotFound: { code: 104, message: 'method not found' },
  alreadySubscribed: { code: 105, message: 'already subscribed' },
  limitExceeded: { code: 106, message: 'limit exceeded' },
  badRequest: { code: 107, message: 'bad request' },
  notAvailable: { code: 108, message: 'not available' },
  tokenExpired: { code: 109, message: 'token expired' },
  tooManyRequests: { code: 111, message: 'too many requests', temporary: true },
  unrecoverablePosition: { code: 112, message: 'unrecoverable position' },
} as const satisfies Record<string, ProtocolError>

/** Why a connection is closed: the close frame's code and reason. */
export interface Disconnect {
  readonly code: number
  readonly reason: string
}

/** 3000 to 3499: SDKs reconnect. 3500 to 3999: they do not. */
export const disconnects = {
  shutdown: { code: 3001, reason: 'shutdown' },
  serverError: { code: 3004, reason: 'internal server error' },
  expired: { code: 3005, reason: 'connection expired' },
  insufficientState: { code: 3010, reason: 'insufficient state' },
  forceReconnect: { code: 3011, reason: 'force reconnect' },
  noPong: { code: 3012, reason: 'no pong' },
  tooManyRequests: { code: 3013, reason: 'too many requests' },
  invalidToken: { code: 3500, reason: 'invalid token' },
  badRequest: { code: 3501, reason: 'bad request' },
  stale: { code: 3502, reason: 'stale' },
  forceNoReconnect: { code: 3503, reason: 'force no reconnect' },
  connectionLimit: { code: 3504, reason: 'connection limit' },
  notAvailable: { code: 3508, reason: 'not available' },
} as const satisfies Record<string, Disconnect>

/** The code of an unsubscribe push upon which SDKs leave it at that. */
export const serverUnsubscribe = { code: 2000, reason: 'server unsubscribe' } as const

/** The code of an unsubscribe push upon which SDKs subscribe again, with their last position. */
export const insufficientState = { code: 2500, reason: 'insufficient state' } as const
