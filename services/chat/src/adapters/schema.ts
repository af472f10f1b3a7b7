import { type NotificationType } from '@veza/contracts'
import { type Generated } from 'kysely'
import { type Role, type Visibility } from '../domain/room.ts'
import { type MessageEvent, type RefusalCode } from '../domain/event.ts'

interface RoomsTable {
  id: string
  name: string
  visibility: Visibility
  owner_id: string
  created_at: Date
  archived_at: Date | null
  slow_mode_seconds: Generated<number>
  direct_key: string | null
}

interface MembersTable {
  room_id: string
  user_id: string
  role: Role
  joined_at: Date
  muted_until: Date | null
  /** Kept in rooms with slow mode only. */
  last_posted_at: Date | null
  /** The number of the last message that they have read. */
  read_number: Generated<number>
  /** When they last said so. */
  read_at: Date | null
}

interface BansTable {
  room_id: string
  user_id: string
  banned_by: string
  banned_at: Date
}

interface InvitationsTable {
  room_id: string
  user_id: string
  invited_by: string
  invited_at: Date
}

interface ReportsTable {
  room_id: string
  message_id: string
  reporter_id: string
  reason: string
  reported_at: Date
}

interface BlockedWordsTable {
  room_id: string
  words: string[]
}

interface RoomHeadsTable {
  room_id: string
  epoch: string
  last_offset: number
  last_message_number: number
  /** Version of what the room lets through. */
  policy: Generated<number>
}

interface RoomEventsTable {
  room_id: string
  offset: number
  /** `ce_id`, and of a post its message's id. */
  event_id: string
  type: MessageEvent['type']
  /** What it is about; null in posts. */
  message_id: string | null
  /** 0 in all but posts. */
  message_number: number
  sender_id: string
  client_message_id: string
  /** As it was posted, or as the edit has it; empty once the message is deleted. */
  body: string
  reply_to: string | null
  thread_id: string | null
  mentions: string[] | null
  track_id: string | null
  /** Milliseconds. */
  track_position_ms: number | null
  reaction: string | null
  reaction_count: number | null
  posted_at: Date
  // Of posts, what became of them since:
  edited_body: string | null
  edited_mentions: string[] | null
  edited_at: Date | null
  deleted_at: Date | null
  reply_count: number
}

interface ReactionsTable {
  message_id: string
  reaction: string
  user_id: string
}

interface ReactionCountsTable {
  message_id: string
  reaction: string
  count: number
}

interface MentionsTable {
  user_id: string
  room_id: string
  message_number: number
  message_id: string
}

interface RefusalsTable {
  event_id: string
  room_id: string
  user_id: string
  code: RefusalCode
  refused_at: Date
}

interface UserHeadsTable {
  user_id: string
  epoch: string
  last_offset: number
}

/** What a user was told, and what waited for them then. */
interface UserEventsTable {
  user_id: string
  offset: number
  /** Of the event that brought it about. */
  source_id: string
  type: NotificationType
  room_id: string
  room_offset: number | null
  message_id: string | null
  message_number: number | null
  sender_id: string
  at: Date
  unread_messages: number | null
  unread_mentions: number | null
  mentions: number
  direct_messages: number
  invitations: number
}

interface ErasedUsersTable {
  user_id: string
  erased_at: Date
}

interface LastSeenTable {
  user_id: string
  at: Date
}

/** Tables of chat's database, as `migrateChat` makes them. */
export interface ChatDatabase {
  rooms: RoomsTable
  members: MembersTable
  room_heads: RoomHeadsTable
  room_events: RoomEventsTable
  refusals: RefusalsTable
  reactions: ReactionsTable
  reaction_counts: ReactionCountsTable
  mentions: MentionsTable
  bans: BansTable
  invitations: InvitationsTable
  reports: ReportsTable
  blocked_words: BlockedWordsTable
  user_heads: UserHeadsTable
  user_events: UserEventsTable
  erased_users: ErasedUsersTable
  last_seen: LastSeenTable
}
