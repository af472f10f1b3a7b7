import { createHash } from 'node:crypto'

/**
 * The id of a command's one outcome: event id (`ce_id`), of a post also its message's id, and key of a stored refusal. UUID version 8
 * (RFC 9562) from SHA-256 of room, sender and clientMessageId, so a command that comes again finds what became of it.
 * `roomId` and `senderId` are lower-case UUIDs: their fixed length is what makes the concatenation unambiguous.
 */
export const outcomeIdOf = (roomId: string, senderId: string, clientMessageId: string): string => {
  const hex = createHash('sha256')
    .update(roomId)
    .update(senderId)
    .update(clientMessageId, 'utf8')
    .digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
