import { parseChannel } from '@veza/contracts'
import { admit } from './admission.ts'
import { type Client, Refused } from './client.ts'
import { errors } from './protocol/codes.ts'
import { type HistoryCommand } from './protocol/commands.ts'
import { type Publication, type Reply } from './protocol/replies.ts'
import { type RoomSource } from './rooms/source.ts'
import { type SessionContext } from './session-context.ts'

const readHistory = async (
  source: RoomSource,
  roomId: string,
  command: HistoryCommand,
  max: number,
): Promise<Reply> => {
  const { id, since, reverse } = command
  const limit = command.limit < 0 ? max : Math.min(command.limit, max)
  const [head] = await source.heads([roomId])
  if (head === undefined) throw new Refused(errors.unknownChannel)
  const { epoch, offset } = head
  if (since !== undefined && since.epoch !== '' && since.epoch !== epoch) {
    throw new Refused(errors.unrecoverablePosition)
  }

  const end = reverse && since !== undefined ? Math.min(offset, since.offset - 1) : offset
  const after = reverse ? Math.max(0, end - limit) : (since?.offset ?? 0)
  const count = Math.min(limit, end - after)
  const answer = (publications: readonly Publication[]): Reply => ({
    type: 'history',
    id,
    position: { epoch, offset },
    publications,
  })
  if (count <= 0) return answer([])

  const stored = await source.events(roomId, after, count)
  if (stored?.epoch !== epoch) throw new Refused(errors.unrecoverablePosition)
  const publications = stored.events.map((event) => ({
    offset: event.offset,
    data: JSON.stringify(event.data),
  }))
  return answer(reverse ? publications.reverse() : publications)
}

/**
 * Answers from chat's store: what came after `since` or from the beginning, in reverse what came before `since` or
 * from the end.
 */
export const history = async (
  { membership, source, settings }: SessionContext,
  client: Client,
  command: HistoryCommand,
): Promise<void> => {
  try {
    const target = parseChannel(command.channel)
    if (target === undefined) throw new Refused(errors.unknownChannel)
    if (target.kind === 'user') throw new Refused(errors.notAvailable)
    if (!membership.isMember(target.id, client.userId)) await admit(membership, target.id, client.userId)
    const reply = await readHistory(source, target.id, command, settings.recoveryLimit)
    if (!client.isClosed()) client.send(reply)
  } catch (error) {
    client.fail(command.id, error)
  }
}
