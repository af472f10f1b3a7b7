import { Rejection } from './rejection.ts'

/**
 * `public`: whoever is signed in finds and hears it. `followers`: whoever follows its owner. `unlisted`: whoever knows its
 * id. `private`: to others it does not exist.
 */
export const visibilities = ['public', 'followers', 'unlisted', 'private'] as const
export type Visibility = (typeof visibilities)[number]

/** Who asks: their own id, and whether they moderate. */
export interface Actor {
  readonly userId: string
  readonly moderator: boolean
}

/** What is between who asks and the track's owner. */
export interface Relation {
  /** The asker follows the owner. */
  readonly follows: boolean
  /** One of them blocks the other. */
  readonly blocked: boolean
}

const strangers: Relation = { follows: false, blocked: false }

/** What has an owner who says who may know of it. */
interface Owned {
  readonly ownerId: string
  readonly visibility: Visibility
  /** Not null: nobody but its owner and moderators. */
  readonly takenDown?: string | null
  readonly deleted?: boolean
}

/** May the actor know of it? An unlisted thing: whoever has its id. */
export const maySee = (
  { ownerId, visibility, takenDown = null, deleted = false }: Owned,
  { userId, moderator }: Actor,
  { follows, blocked }: Relation = strangers,
): boolean => {
  if (deleted) return false
  if (ownerId === userId || moderator) return true
  if (blocked || takenDown !== null || visibility === 'private') return false
  return visibility !== 'followers' || follows
}

/** A track that the actor may know of. @throws Rejection that does not tell whether there is one */
export const visibleTo = <T extends Owned>(track: T | undefined, actor: Actor, relation?: Relation): T => {
  if (track === undefined || !maySee(track, actor, relation)) throw new Rejection('track-not-found')
  return track
}
