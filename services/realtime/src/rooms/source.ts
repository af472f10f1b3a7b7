import { type RoomPublication } from '@veza/contracts'

/** Where a room stands in chat's store. */
export interface Head {
  readonly roomId: string
  readonly epoch: string
  readonly offset: number
}

/** What the rooms need of chat. Both reject when it can't be reached. */
export interface RoomSource {
  /** Rooms that don't exist are left out. */
  heads(roomIds: readonly string[]): Promise<readonly Head[]>
  /** A dense, ascending stretch that begins after an offset; undefined = there is no such room. */
  events(roomId: string, after: number, limit: number): Promise<StoredEvents | undefined>
}

export interface StoredEvents {
  readonly epoch: string
  /** The room's head, not the page's. */
  readonly offset: number
  readonly events: readonly { readonly offset: number; readonly data: RoomPublication }[]
}

/** Rooms of one `heads` call, events of one `events` call at most: chat refuses more. */
export const maxHeads = 1000
export const maxEvents = 500
