import { type Link, type Privacy } from '../domain/user.ts'

/** Sizes of a picture's renditions, pixels, square. */
export const avatarSizes = [64, 256, 512] as const
export type AvatarSize = (typeof avatarSizes)[number]

export type ExportState = 'queued' | 'running' | 'ready' | 'failed'

/** What people see, built from events: may be dropped and built anew at any time. In the schema `views`. */
export interface ViewsDatabase {
  /** One row a person that anything is known of. */
  profiles: {
    user_id: string
    /** Of the person's stream: what this row has seen. */
    version: number
    /** Nothing else of the row means anything then; whatever comes later is of no use. */
    erased: boolean
    display_name: string
    handle: string | null
    bio: string
    location: string
    links: readonly Link[]
    avatar_id: string | null
    approve_followers: boolean
    searchable: boolean
    follows_visible_to: Privacy['followsVisibleTo']
    /** PrivateProfile, sealed; null: never given. */
    private_fields: Buffer | null
    /** Settings, sealed; null: never changed. */
    settings: Buffer | null
    /** What search compares: name and handle. */
    search: string
    erasure_due_at: Date | null
    created_at: Date | null
    updated_at: Date | null
  }
  /** One row two people between whom anything ever was. */
  pairs: {
    low_id: string
    high_id: string
    /** Of the pair's stream: what the rows about the two have seen. */
    version: number
  }
  follows: {
    follower_id: string
    followee_id: string
    state: 'requested' | 'following'
    since: Date
  }
  blocks: {
    blocker_id: string
    blocked_id: string
    since: Date
  }
  follow_counts: {
    user_id: string
    followers: number
    following: number
  }
}

/** What users writes itself, beside its events. */
export interface UsersDatabase {
  /** Who has which handle: the unique constraint decides, not the views, which are late. */
  handles: { handle: string; user_id: string }
  avatars: {
    avatar_id: string
    user_id: string
    size: AvatarSize
    /** WebP, sealed under the person's data key. */
    content: Buffer
  }
  exports: {
    export_id: string
    user_id: string
    state: ExportState
    /** Parts that are gathered, of parts. */
    parts_done: number
    parts: number
    requested_at: Date
    finished_at: Date | null
    expires_at: Date | null
    /** Whose pieces are the content; null until it is whole. */
    attempt: string | null
    pieces: number | null
  }
  /** What was gathered: JSON, gzipped, each piece sealed under the person's data key. */
  export_pieces: {
    export_id: string
    attempt: string
    /** From 0. */
    piece: number
    content: Buffer
  }
  /** Erasures that are not due yet. */
  erasures: { user_id: string; due_at: Date }
}
