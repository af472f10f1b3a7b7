import { type RoomPublication } from '@veza/contracts'
import { type Json } from '../protocol/replies.ts'

// Whoever writes publications (roomPublication of contracts) writes their type first, and JSON keeps the order.
const deletion = '{"type":"message.deleted"'

/** The id of the message that a publication says was deleted; undefined for any other publication. */
export const deletedMessage = (data: Json): string | undefined =>
  data.startsWith(deletion) ? (JSON.parse(data) as RoomPublication).messageId : undefined

const nothing = { mentions: undefined, trackId: undefined, trackPositionMs: undefined }

/** A publication of the message without what it said, as chat's store has it from now on; any other as it is. */
export const withoutText = (data: Json, messageId: string): Json => {
  if (!data.includes(messageId)) return data
  const publication = JSON.parse(data) as RoomPublication
  if (publication.messageId !== messageId || !('body' in publication)) return data
  // JSON leaves out what is undefined.
  return JSON.stringify({ ...publication, body: '', ...nothing })
}
