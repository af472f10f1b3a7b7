import { type Role, type Visibility } from '../domain/room.ts'
import { type RefusalCode } from '../domain/post.ts'

interface RoomsTable {
  id: string
  name: string
  visibility: Visibility
  owner_id: string
  created_at: Date
}

interface MembersTable {
  room_id: string
  user_id: string
  role: Role
  joined_at: Date
}

interface RoomHeadsTable {
  room_id: string
  epoch: string
  last_offset: number
  last_message_number: number
}

interface RoomEventsTable {
  room_id: string
  offset: number
  /** Message id and `ce_id`. */
  event_id: string
  message_number: number
  sender_id: string
  client_message_id: string
  body: string
  posted_at: Date
}

interface RefusalsTable {
  event_id: string
  room_id: string
  user_id: string
  code: RefusalCode
  refused_at: Date
}

/** Tables of chat's database, as `migrateChat` makes them. */
export interface ChatDatabase {
  rooms: RoomsTable
  members: MembersTable
  room_heads: RoomHeadsTable
  room_events: RoomEventsTable
  refusals: RefusalsTable
}
