import { Rejection } from './rejection.ts'
import { type Actor } from './visibility.ts'

/** Why somebody reports a track, and why a moderator takes it down. */
export const reportReasons = ['copyright', 'abuse', 'spam', 'sexual', 'violence', 'other'] as const
export type ReportReason = (typeof reportReasons)[number]

/** What reports and moderators have made of a track. */
export interface Moderated {
  /** Why a moderator took it down; null: none did. */
  readonly takenDown: ReportReason | null
  /** Somebody reported it, and no moderator has looked into it since. */
  readonly reported: boolean
}

export type ModerationCommand = { readonly actor: Actor; readonly at: Date } & (
  | { readonly type: 'report'; readonly reason: ReportReason }
  | { readonly type: 'dismiss-reports'; readonly note: string }
  | { readonly type: 'take-down'; readonly reason: ReportReason }
  | { readonly type: 'restore' }
)

export type ModerationEvent =
  | { readonly type: 'reported'; readonly reporterId: string; readonly reason: ReportReason }
  | { readonly type: 'reports-dismissed'; readonly moderatorId: string; readonly note: string }
  | { readonly type: 'taken-down'; readonly moderatorId: string; readonly reason: ReportReason }
  | { readonly type: 'restored'; readonly moderatorId: string }

/** What a command of this kind brings about, of a track that is there. Pure. */
export const decideModeration = (
  command: ModerationCommand,
  { takenDown, reported, deleted }: Moderated & { readonly deleted: boolean },
): ModerationEvent[] => {
  const { userId, moderator } = command.actor
  if (command.type !== 'report' && !moderator) throw new Rejection('not-moderator')
  if (deleted) throw new Rejection('track-not-found')
  switch (command.type) {
    case 'report':
      return [{ type: 'reported', reporterId: userId, reason: command.reason }]
    case 'dismiss-reports':
      return reported ? [{ type: 'reports-dismissed', moderatorId: userId, note: command.note }] : []
    case 'take-down':
      return takenDown === command.reason
        ? []
        : [{ type: 'taken-down', moderatorId: userId, reason: command.reason }]
    case 'restore':
      return takenDown === null ? [] : [{ type: 'restored', moderatorId: userId }]
    default:
      return command satisfies never
  }
}

/** What it changes of the track. Pure. */
export const evolveModeration = (event: ModerationEvent): Partial<Moderated> => {
  switch (event.type) {
    case 'reported':
      return { reported: true }
    case 'reports-dismissed':
      return { reported: false }
    case 'taken-down':
      return { takenDown: event.reason, reported: false }
    case 'restored':
      return { takenDown: null, reported: false }
    default:
      return event satisfies never
  }
}
