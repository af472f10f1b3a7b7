import { type EventMetadata } from '@veza/kit/events'
import { type Rooms } from '../adapters/rooms.ts'
import { Rejection } from '../domain/rejection.ts'
import { assertModerator, visibleTo } from '../domain/room.ts'

export interface ReportInput {
  readonly roomId: string
  readonly messageId: string
  readonly actorId: string
  readonly reason: string
}

/**
 * A member's report of a message to the room's moderators. Once a person and message until it is dismissed: a second one
 * changes nothing. Throws Rejection. @param exists rejects unless the room has the message
 */
export const reportMessage =
  (
    rooms: Rooms,
    exists: (roomId: string, userId: string, messageId: string) => Promise<unknown>,
    now: () => Date,
  ) =>
  async ({ roomId, messageId, actorId, reason }: ReportInput, metadata: EventMetadata): Promise<void> => {
    const stored = await rooms.find(roomId, actorId, actorId)
    if (visibleTo(stored, stored?.actorRole ?? null).actorRole === null) throw new Rejection('not-a-member')
    await exists(roomId, actorId, messageId)
    await rooms.report({ actorId, at: now(), metadata }, { roomId, messageId, reason })
  }

export interface DismissalInput {
  readonly roomId: string
  readonly messageId: string
  readonly actorId: string
  /** Empty: none. */
  readonly note: string
}

/**
 * Finds the reports of a message unfounded. Where none is open, nothing changes. Throws Rejection.
 * @param exists rejects unless the room has the message
 */
export const dismissReports =
  (
    rooms: Rooms,
    exists: (roomId: string, userId: string, messageId: string) => Promise<unknown>,
    now: () => Date,
  ) =>
  async ({ actorId, ...dismissal }: DismissalInput, metadata: EventMetadata): Promise<void> => {
    await exists(dismissal.roomId, actorId, dismissal.messageId)
    await rooms.dismissReports({ actorId, at: now(), metadata }, dismissal, (stored) => {
      assertModerator(visibleTo(stored, stored?.actorRole ?? null))
    })
  }

/** The words that no room lets through. The caller has checked that the actor may say so for all of Veza. */
export const blockWordsEverywhere =
  (rooms: Rooms, now: () => Date) =>
  (actorId: string, words: readonly string[], metadata: EventMetadata): Promise<void> =>
    rooms.blockWords({ actorId, at: now(), metadata }, words)
