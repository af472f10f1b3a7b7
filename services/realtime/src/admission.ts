import { type Membership } from './adapters/membership.ts'
import { Refused } from './client.ts'
import { errors } from './protocol/codes.ts'

/**
 * Asks chat whether the user may be in the room.
 *
 * @returns where the room stands, no older than this call
 * @throws Refused when there is no such room or the user is not a member of it; what `ask` rejects with
 */
export const admit = async (
  membership: Membership,
  roomId: string,
  userId: string,
): Promise<{ epoch: string; offset: number }> => {
  const { exists, role, epoch, offset } = await membership.ask(roomId, userId)
  if (!exists || epoch === null || offset === null) throw new Refused(errors.unknownChannel)
  if (role === null) throw new Refused(errors.permissionDenied)
  return { epoch, offset }
}
