import { createAuditIndexes, renewAuditIndexes } from '@veza/kit/audit'
import { createEventStore, renewEventStore } from '@veza/kit/events'
import { createHttpAnswers } from '@veza/kit/http'
import { createModel } from '@veza/kit/projection'
import { migrate, type Migrations } from '@veza/kit/postgres'
import { createDataKeys, indexErasures } from '@veza/kit/sealing'
import { type Kysely, sql } from 'kysely'
import { type RelationsDatabase, relationsModel } from './relations.ts'
import { createSearchWords, leaveMarksOut } from './search-words.ts'

const migrations: Migrations = {
  '0001-events': { up: createEventStore },
  '0002-tracks': {
    async up(db) {
      await sql`create extension if not exists pg_trgm`.execute(db)
      await sql`
        create table uploads (
          id uuid primary key,
          owner_id uuid not null,
          bytes bigint not null,
          filename text not null,
          title text,
          visibility text not null,
          created_at timestamptz not null,
          expires_at timestamptz not null
        )`.execute(db)
      await sql`create index uploads_owner on uploads (owner_id)`.execute(db)
      await sql`create index uploads_expiry on uploads (expires_at)`.execute(db)

      await sql`
        create table tracks (
          id uuid primary key,
          owner_id uuid not null,
          version bigint not null,
          status text not null constraint tracks_status_known check (status in ('processing', 'ready', 'failed')),
          visibility text not null
            constraint tracks_visibility_known check (visibility in ('public', 'unlisted', 'private')),
          title text not null,
          description text not null,
          artist text,
          album text,
          genre text,
          tags text[] not null,
          search_text text not null,
          search tsvector not null generated always as (to_tsvector('simple', search_text)) stored,
          source text not null,
          source_bytes bigint not null,
          media text,
          recipe integer,
          duration_ms bigint,
          loudness double precision,
          true_peak double precision,
          gain double precision,
          failure text,
          uploaded_at timestamptz not null
        )`.execute(db)
      // Ids are UUID version 7: newest first is the primary key backwards, here without what others don't find.
      await sql`create index tracks_found on tracks (id) where visibility = 'public' and status = 'ready'`.execute(
        db,
      )
      await sql`create index tracks_owner on tracks (owner_id, id)`.execute(db)
      await sql`create index tracks_words on tracks using gin (search)`.execute(db)
      await sql`create index tracks_trigrams on tracks using gin (search_text gin_trgm_ops)`.execute(db)
      await sql`create index tracks_media on tracks (media) where media is not null`.execute(db)
      await sql`create index tracks_source on tracks (source)`.execute(db)

      await sql`
        create table likes (
          track_id uuid not null references tracks (id) on delete cascade,
          user_id uuid not null,
          liked_at timestamptz not null,
          primary key (track_id, user_id)
        )`.execute(db)
      await sql`create index likes_user on likes (user_id, liked_at)`.execute(db)
    },
  },
  '0003-transcode-jobs': {
    async up(db) {
      await sql`
        create table transcode_jobs (
          track_id uuid not null,
          recipe integer not null,
          owner_id uuid not null,
          source text not null,
          priority integer not null,
          state text not null default 'queued'
            constraint jobs_state_known check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
          attempts integer not null default 0,
          run_at timestamptz not null default now(),
          fence bigint not null default 0,
          worker text,
          lease_until timestamptz,
          last_error text,
          created_at timestamptz not null default now(),
          settled_at timestamptz,
          primary key (track_id, recipe)
        )`.execute(db)
      await sql`
        create index jobs_waiting on transcode_jobs (priority, run_at) where state in ('queued', 'running')`.execute(
        db,
      )
    },
  },
  '0004-audit-and-data-keys': {
    async up(db) {
      await createAuditIndexes(db)
      await createDataKeys(db)
    },
  },
  '0005-http-answers': { up: createHttpAnswers },
  '0006-erased-owners': {
    async up(db) {
      await sql`create table erased_owners (user_id uuid primary key, erased_at timestamptz not null)`.execute(
        db,
      )
    },
  },
  '0007-playlists-publishing-reports': {
    async up(db) {
      await sql`
        alter table tracks
          add column publish_at timestamptz,
          add column published_at timestamptz,
          add column taken_down text,
          drop constraint tracks_visibility_known,
          add constraint tracks_visibility_known
            check (visibility in ('public', 'followers', 'unlisted', 'private'))`.execute(db)
      await sql`update tracks set published_at = uploaded_at where visibility = 'public'`.execute(db)
      await sql`create index tracks_due on tracks (publish_at) where publish_at is not null`.execute(db)
      await sql`drop index tracks_found`.execute(db)
      await sql`
        create index tracks_found on tracks (id)
        where visibility = 'public' and status = 'ready' and taken_down is null`.execute(db)
      await sql`
        create index tracks_news on tracks (owner_id, published_at, id)
        where visibility in ('public', 'followers') and status = 'ready' and taken_down is null`.execute(db)

      await sql`
        create table playlists (
          id uuid primary key,
          owner_id uuid not null,
          version bigint not null,
          title text not null,
          description text not null,
          visibility text not null
            constraint playlists_visibility_known check (visibility in ('public', 'followers', 'unlisted', 'private')),
          track_ids uuid[] not null,
          created_at timestamptz not null,
          changed_at timestamptz not null
        )`.execute(db)
      await sql`create index playlists_owner on playlists (owner_id, id)`.execute(db)

      await sql`
        create table reports (
          track_id uuid not null references tracks (id) on delete cascade,
          reporter_id uuid not null,
          reason text not null,
          comment text not null,
          reported_at timestamptz not null,
          primary key (track_id, reporter_id)
        )`.execute(db)
      await sql`create index reports_reporter on reports (reporter_id)`.execute(db)
    },
  },
  '0008-relations': { up: (db: Kysely<RelationsDatabase>) => createModel(db, relationsModel) },
  '0009-covers': {
    async up(db) {
      await sql`alter table tracks add column cover uuid`.execute(db)
      await sql`create index tracks_cover on tracks (cover) where cover is not null`.execute(db)
    },
  },
  '0010-unused-objects': {
    async up(db) {
      await sql`create table unused_objects (address text primary key, since timestamptz not null)`.execute(
        db,
      )
    },
  },
  '0011-names-in-events': {
    async up(db) {
      await renewEventStore(db)
      await renewAuditIndexes(db)
    },
  },
  '0012-erased-keys': { up: indexErasures },
  '0013-search-words': {
    async up(db) {
      await createSearchWords(db)
      await sql`create index likes_tracks on likes (user_id, track_id)`.execute(db)
    },
  },
  '0014-search-without-marks': { up: leaveMarksOut },
  '0015-labels': {
    async up(db) {
      await sql`alter table tracks add column labels text[] not null default '{}'`.execute(db)
      // As `labelOf` has them, whatever the database's own collation knows of letters.
      await sql`
        update tracks set labels = array(
          select kind || ':' || lower(
            normalize(regexp_replace(normalize(text, NFKD), '[\\u0300-\\u036f]', '', 'g'), NFC) collate pg_unicode_fast)
          from (select 'genre' as kind, genre as text union all select 'tag', unnest(tags)) said
          where text is not null)
        where genre is not null or tags <> '{}'`.execute(db)
      await sql`create index tracks_labels on tracks using gin (labels)`.execute(db)
    },
  },
}

/** Brings tracks' database up to date; resolves to the steps that it ran. Safe to run by several processes at once. */
export const migrateTracks = (databaseUrl: string): Promise<string[]> => migrate(databaseUrl, migrations)
