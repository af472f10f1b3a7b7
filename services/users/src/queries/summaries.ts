import { type Kysely } from 'kysely'
import { type ViewsDatabase } from '../adapters/schema.ts'

/** A person in a list. */
export interface Summary {
  readonly userId: string
  readonly displayName: string
  readonly handle: string | null
  readonly avatarId: string | null
}

export const summaryColumns = [
  'profiles.user_id as userId',
  'profiles.display_name as displayName',
  'profiles.handle',
  'profiles.avatar_id as avatarId',
] as const

/** Profiles of people who are there: signed up, and not erased. */
export const presentProfiles = (views: Kysely<ViewsDatabase>) =>
  views
    .selectFrom('profiles')
    .where('profiles.erased', '=', false)
    .where('profiles.created_at', 'is not', null)
