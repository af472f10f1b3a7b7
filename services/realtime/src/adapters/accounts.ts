import { type Codec, topics } from '@veza/contracts'
import { disconnects } from '../protocol/codes.ts'
import { type Users } from '../users.ts'
import { type Reader, createReader } from './reader.ts'

/** Closes the connections of sessions that have ended and of accounts that are no more. */
export const readAccounts = (codec: Codec, users: Pick<Users, 'disconnect' | 'revoke'>): Reader =>
  createReader(
    codec,
    topics.authEvents,
    // A session can end before its user connects here.
    () => true,
    ({ type, value }) => {
      if (type === 'SessionRevoked') users.revoke(value.userId, value.sessionId, disconnects.forceNoReconnect)
      else if (type === 'AccountErased')
        users.disconnect(value.userId, undefined, disconnects.forceNoReconnect)
    },
  )
