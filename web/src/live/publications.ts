/** What the WebSocket edge sends, as docs/chat.md and docs/realtime.md of Veza describe it. */

interface Sent {
  readonly senderId: string
  readonly clientMessageId: string
  readonly messageId: string
}

/** Numbered events of a room. */
export type RoomEvent =
  | (Sent & {
      readonly type: 'message.posted'
      readonly messageNumber: number
      readonly body: string
      readonly postedAt: string
      readonly replyTo?: string
      readonly threadId?: string
      readonly mentions?: readonly string[]
      readonly trackId?: string
      /** Place in that track, milliseconds. */
      readonly trackPositionMs?: number
    })
  | (Sent & {
      readonly type: 'message.edited'
      readonly body: string
      readonly mentions?: readonly string[]
      readonly editedAt: string
    })
  | (Sent & { readonly type: 'message.deleted'; readonly deletedAt: string })
  | (Sent & {
      readonly type: 'reaction.added' | 'reaction.removed'
      readonly reaction: string
      readonly count: number
    })

/** What comes on `room:<id>`; who is writing has no number. */
export type RoomPublication = RoomEvent | { readonly type: 'typing'; readonly userId: string }

/** What comes on `user:<id>`. */
export type OwnPublication =
  | {
      readonly type: 'rejected'
      readonly roomId: string
      readonly clientMessageId: string
      readonly code: string
    }
  | {
      readonly type: 'track'
      readonly trackId: string
      readonly status: 'processing' | 'ready' | 'failed'
      readonly percent: number
      readonly code?: string
    }
  | {
      readonly type:
        | 'mention'
        | 'mention.withdrawn'
        | 'direct-message'
        | 'invitation'
        | 'invitation.withdrawn'
        | 'room.joined'
        | 'room.left'
        | 'read'
      readonly roomId: string
      readonly senderId: string
      readonly at: string
      readonly messageId?: string
      readonly messageNumber?: number
      readonly unread?: { readonly messages: number; readonly mentions: number }
      readonly counts: Counts
    }

/** What waits for somebody, everywhere. */
export interface Counts {
  readonly mentions: number
  readonly directMessages: number
  readonly invitations: number
}
