import { type Codec, channels, topics } from '@veza/contracts'
import { type Users } from '../users.ts'
import { type Membership } from './membership.ts'
import { type Reader, createReader } from './reader.ts'

/** Shows rooms no more to those who left them, were removed or banned. */
export const readRoomMembers = (
  codec: Codec,
  { membership, users }: { membership: Pick<Membership, 'forget'>; users: Pick<Users, 'expel'> },
): Reader =>
  createReader(
    codec,
    topics.roomEvents,
    // A member can be remembered here who follows nothing.
    () => true,
    ({ type, value }) => {
      if (type !== 'MemberLeft') return
      membership.forget(value.roomId, value.userId)
      users.expel(value.userId, channels.room(value.roomId))
    },
  )
