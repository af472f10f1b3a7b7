import { parseChannel } from '@veza/contracts'
import { admit } from './admission.ts'
import { type Client, Refused } from './client.ts'
import { errors } from './protocol/codes.ts'
import { type ChannelCommand } from './protocol/commands.ts'
import { type SessionContext } from './session-context.ts'
import { type Subscriptions } from './subscriptions.ts'

/** The room of a channel that the connection follows: who does not follow a room is told nothing of who is in it. */
const followed = (subscriptions: Subscriptions, channel: string): string => {
  const target = parseChannel(channel)
  if (target === undefined) throw new Refused(errors.unknownChannel)
  if (target.kind === 'user') throw new Refused(errors.notAvailable)
  if (!subscriptions.has(channel)) throw new Refused(errors.permissionDenied)
  return target.id
}

/** Answers who is in a room that the connection follows, how many are, or whether it may go on following it. */
export const answerQuestion = async (
  { presence, membership }: SessionContext,
  client: Client,
  subscriptions: Subscriptions,
  { type, id, channel }: ChannelCommand,
): Promise<void> => {
  try {
    const roomId = followed(subscriptions, channel)
    switch (type) {
      case 'presence': {
        const list = presence.list(roomId)
        if (list === undefined) throw new Refused(errors.limitExceeded)
        client.send({ type, id, result: { presence: list } })
        return
      }
      case 'presence_stats': {
        const { clients, users } = presence.counts(roomId)
        client.send({ type, id, result: { num_clients: clients, num_users: users } })
        return
      }
      case 'sub_refresh':
        await admit(membership, roomId, client.userId)
        if (!client.isClosed()) client.send({ type, id, result: { expires: false } })
    }
  } catch (error) {
    client.fail(id, error)
  }
}
