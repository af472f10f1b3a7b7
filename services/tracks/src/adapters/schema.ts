import { type ColumnType, type Generated } from 'kysely'
import { type ReportReason } from '../domain/moderation.ts'
import { type Visibility } from '../domain/visibility.ts'

interface UploadsTable {
  /** Also the id of the track that it becomes. */
  id: string
  owner_id: string
  bytes: number
  filename: string
  title: string | null
  visibility: Visibility
  created_at: Date
  expires_at: Date
}

interface TracksTable {
  id: string
  owner_id: string
  /** Of the stream of events that this row was folded from. */
  version: number
  status: 'processing' | 'ready' | 'failed'
  visibility: Visibility
  title: string
  description: string
  artist: string | null
  album: string | null
  genre: string | null
  tags: string[]
  /** What genre and tags are found by, as labelOf has them. */
  labels: Generated<string[]>
  /** All of the above that is searched, in one line. */
  search_text: string
  /** The database makes it of that. */
  search: ColumnType<string, never, never>
  /** Names its picture. */
  cover: string | null
  source: string
  source_bytes: number
  media: string | null
  recipe: number | null
  duration_ms: number | null
  loudness: number | null
  true_peak: number | null
  gain: number | null
  failure: string | null
  uploaded_at: Date
  publish_at: Date | null
  published_at: Date | null
  taken_down: ReportReason | null
}

interface PlaylistsTable {
  id: string
  owner_id: string
  /** Of the stream of events that this row was folded from. */
  version: number
  title: string
  description: string
  visibility: Visibility
  track_ids: string[]
  created_at: Date
  changed_at: Date
}

interface ReportsTable {
  track_id: string
  reporter_id: string
  reason: ReportReason
  /** In the reporter's words, for moderators alone. */
  comment: string
  reported_at: Date
}

interface LikesTable {
  track_id: string
  user_id: string
  liked_at: Date
}

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

interface TranscodeJobsTable {
  track_id: string
  recipe: number
  owner_id: string
  source: string
  /** Smaller goes first. */
  priority: number
  state: JobState
  attempts: number
  /** Not before. */
  run_at: Date
  /** Fencing token: rises with every claim, so that who lost the job cannot settle it. */
  fence: number
  worker: string | null
  lease_until: Date | null
  last_error: string | null
  created_at: Date
  settled_at: Date | null
}

/** People who are forgotten: of them there is nothing else. */
interface ErasedOwnersTable {
  user_id: string
  erased_at: Date
}

/** Where objects lie that no track has, and since when that is known. */
interface UnusedObjectsTable {
  address: string
  since: Date
}

/** Tables of tracks' database, as `migrateTracks` makes them. */
export interface TracksDatabase {
  uploads: UploadsTable
  tracks: TracksTable
  likes: LikesTable
  playlists: PlaylistsTable
  /** Those that no moderator has settled. */
  reports: ReportsTable
  transcode_jobs: TranscodeJobsTable
  erased_owners: ErasedOwnersTable
  unused_objects: UnusedObjectsTable
}
