import { createAuditIndexes, renewAuditIndexes } from '@veza/kit/audit'
import { createEventStore, renewEventStore } from '@veza/kit/events'
import { createHttpAnswers } from '@veza/kit/http'
import { migrate } from '@veza/kit/postgres'
import { createDataKeys, indexErasures } from '@veza/kit/sealing'
import { type Migration, sql } from 'kysely'

const migrations: Record<string, Migration> = {
  '0001-rooms-and-their-events': {
    async up(db) {
      await sql`
        create table rooms (
          id uuid primary key,
          name text not null,
          visibility text not null constraint rooms_visibility_known check (visibility in ('public', 'private')),
          owner_id uuid not null,
          created_at timestamptz not null
        )`.execute(db)
      // Ids are UUID version 7: newest first is the primary key backwards, here without the private rooms between.
      await sql`create index rooms_public on rooms (id) where visibility = 'public'`.execute(db)

      await sql`
        create table members (
          room_id uuid not null references rooms (id) on delete cascade,
          user_id uuid not null,
          role text not null constraint members_role_known check (role in ('owner', 'moderator', 'member')),
          joined_at timestamptz not null,
          primary key (room_id, user_id)
        )`.execute(db)
      await sql`create index members_user on members (user_id, room_id)`.execute(db)

      // One row a room, rewritten by each chunk that posts in it, and no index on what changes: with room left on
      // its page the new version stays there (HOT), and the next reader prunes the old ones.
      await sql`
        create table room_heads (
          room_id uuid primary key,
          epoch text not null,
          last_offset bigint not null default 0,
          last_message_number bigint not null default 0
        ) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)`.execute(
        db,
      )

      // No foreign keys: the head's row lock is what holds the room in place, and each check would be a lookup more.
      await sql`
        create table room_events (
          room_id uuid not null,
          "offset" bigint not null,
          event_id uuid not null constraint room_events_event_id_unique unique,
          message_number bigint not null,
          sender_id uuid not null,
          client_message_id text not null,
          body text not null,
          posted_at timestamptz not null,
          primary key (room_id, "offset")
        )`.execute(db)

      // The command that is seen again brings its own clientMessageId, which may be what it was refused for.
      await sql`
        create table refusals (
          event_id uuid primary key,
          room_id uuid not null,
          user_id uuid not null,
          code text not null,
          refused_at timestamptz not null
        )`.execute(db)
    },
  },

  '0002-what-becomes-of-messages': {
    async up(db) {
      // A plain post leaves all of these to their defaults, which cost a row a bitmap of nulls.
      await sql`
        alter table room_events
          add column type text not null default 'posted' constraint room_events_type_known check
            (type in ('posted', 'edited', 'deleted', 'reaction-added', 'reaction-removed')),
          add column message_id uuid,
          add column reply_to uuid,
          add column thread_id uuid,
          add column mentions uuid[],
          add column track_id uuid,
          add column reaction text,
          add column reaction_count bigint,
          add column edited_body text,
          add column edited_mentions uuid[],
          add column edited_at timestamptz,
          add column deleted_at timestamptz,
          add column reply_count bigint not null default 0`.execute(db)
      // Partial, so that plain posts are in neither.
      await sql`create index room_events_thread on room_events (thread_id, "offset") where thread_id is not null`.execute(
        db,
      )
      await sql`create index room_events_message on room_events (message_id) where message_id is not null`.execute(
        db,
      )

      // Counts beside the reactions themselves: a page of history reads the counts alone.
      await sql`
        create table reactions (
          message_id uuid not null,
          reaction text not null,
          user_id uuid not null,
          primary key (message_id, user_id, reaction)
        )`.execute(db)
      await sql`
        create table reaction_counts (
          message_id uuid not null,
          reaction text not null,
          count bigint not null,
          primary key (message_id, reaction)
        )`.execute(db)

      // Of members only, and by number, so that those after a read position are a range of the primary key.
      await sql`
        create table mentions (
          user_id uuid not null,
          room_id uuid not null,
          message_number bigint not null,
          message_id uuid not null,
          primary key (user_id, room_id, message_number)
        )`.execute(db)
      await sql`create index mentions_message on mentions (message_id)`.execute(db)
    },
  },

  '0003-events-of-rooms': { up: createEventStore },

  '0004-how-rooms-are-kept': {
    async up(db) {
      await sql`alter table rooms drop constraint rooms_visibility_known`.execute(db)
      await sql`
        alter table rooms
          add constraint rooms_visibility_known check (visibility in ('public', 'private', 'direct')),
          add column archived_at timestamptz,
          add column slow_mode_seconds int not null default 0,
          -- Its two people's ids, the smaller first: what makes a direct room the only one of theirs.
          add column direct_key text constraint rooms_direct_key_unique unique`.execute(db)
      // Rewritten with each post of a slow room and each mark of what was read, and in no index: HOT, as room_heads is.
      await sql`
        alter table members
          add column muted_until timestamptz,
          add column last_posted_at timestamptz,
          add column read_number bigint not null default 0,
          add column read_at timestamptz`.execute(db)
      await sql`alter table members set (fillfactor = 80)`.execute(db)
      // Of what a room lets through; 0 = it was never changed, and nothing has to be read for it.
      await sql`alter table room_heads add column policy bigint not null default 0`.execute(db)
      await sql`
        create table bans (
          room_id uuid not null references rooms (id) on delete cascade,
          user_id uuid not null,
          banned_by uuid not null,
          banned_at timestamptz not null,
          primary key (room_id, user_id)
        )`.execute(db)
      await sql`
        create table invitations (
          room_id uuid not null references rooms (id) on delete cascade,
          user_id uuid not null,
          invited_by uuid not null,
          invited_at timestamptz not null,
          primary key (room_id, user_id)
        )`.execute(db)
      await sql`create index invitations_user on invitations (user_id, room_id)`.execute(db)
      await sql`
        create table reports (
          room_id uuid not null references rooms (id) on delete cascade,
          message_id uuid not null,
          reporter_id uuid not null,
          reason text not null,
          reported_at timestamptz not null,
          primary key (room_id, message_id, reporter_id)
        )`.execute(db)
      // The nil UUID stands for all rooms.
      await sql`create table blocked_words (room_id uuid primary key, words text[] not null)`.execute(db)
    },
  },

  '0005-search': {
    async up(db) {
      // Filled when somebody searches, not when somebody posts: it costs a post 40 microseconds and more to be indexed,
      // and most rooms are never searched.
      await sql`
        create table message_search (
          message_id uuid primary key,
          room_id uuid not null,
          search tsvector not null
        )`.execute(db)
      await sql`create index message_search_text on message_search using gin (search)`.execute(db)
      await sql`
        create table search_progress (
          room_id uuid primary key,
          indexed_offset bigint not null default 0
        )`.execute(db)
    },
  },
  '0006-audit-and-data-keys': {
    async up(db) {
      await createAuditIndexes(db)
      await createDataKeys(db)
    },
  },
  '0007-http-answers': { up: createHttpAnswers },

  '0008-what-users-are-told': {
    async up(db) {
      // As room_heads: one row a user, rewritten with each thing that they are told.
      await sql`
        create table user_heads (
          user_id uuid primary key,
          epoch text not null,
          last_offset bigint not null default 0
        ) with (fillfactor = 50)`.execute(db)
      await sql`
        create table user_events (
          user_id uuid not null,
          "offset" bigint not null,
          source_id text not null,
          type text not null,
          room_id uuid not null,
          room_offset bigint,
          message_id uuid,
          message_number bigint,
          sender_id uuid not null,
          at timestamptz not null,
          unread_messages bigint,
          unread_mentions bigint,
          mentions bigint not null,
          direct_messages bigint not null,
          invitations bigint not null,
          primary key (user_id, "offset"),
          constraint user_events_told_once unique (source_id, user_id)
        )`.execute(db)
      await sql`create index user_events_message on user_events (message_id) where message_id is not null`.execute(
        db,
      )
      // Written in the order of time, more or less, and read by it when the oldest are deleted.
      await sql`create index user_events_at on user_events using brin (at)`.execute(db)
    },
  },

  '0009-erased-users': {
    async up(db) {
      await sql`create table erased_users (user_id uuid primary key, erased_at timestamptz not null)`.execute(
        db,
      )
    },
  },

  '0010-names-in-events': {
    async up(db) {
      await renewEventStore(db)
      await renewAuditIndexes(db)
    },
  },
  '0011-erased-keys': { up: indexErasures },

  '0012-last-seen': {
    async up(db) {
      // No index but the key: a row that is written again stays in its page.
      await sql`
        create table last_seen (user_id uuid primary key, at timestamptz not null) with (fillfactor = 70)`.execute(
        db,
      )
    },
  },

  '0013-places-in-tracks': {
    async up(db) {
      await sql`alter table room_events add column track_position_ms bigint`.execute(db)
      // Partial, so that other posts are not in it.
      await sql`
        create index room_events_track on room_events (room_id, track_id, "offset")
          where track_position_ms is not null`.execute(db)
    },
  },
}

/** Brings chat's database up to date; resolves to the steps that it ran. Safe to run by several processes at once. */
export const migrateChat = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
