import { parseChannel } from '@veza/contracts'
import { admit } from './admission.ts'
import { type Client, Refused } from './client.ts'
import { errors } from './protocol/codes.ts'
import { type PublishCommand } from './protocol/commands.ts'
import { type SessionContext } from './session-context.ts'

/** A publication `{type: "typing"}`: answered at once, since nobody waits for it. */
export const startTyping = async (
  { typing, membership }: SessionContext,
  client: Client,
  { id, channel }: PublishCommand,
): Promise<void> => {
  try {
    const target = parseChannel(channel)
    if (target === undefined) throw new Refused(errors.unknownChannel)
    if (target.kind !== 'room') throw new Refused(errors.permissionDenied)
    if (!membership.mayPublish(target.id, client.userId)) await admit(membership, target.id, client.userId)
    typing.start(target.id, client.userId)
    if (!client.isClosed()) client.send({ type: 'publish', id })
  } catch (error) {
    client.fail(id, error)
  }
}
