import { hyperLogLog } from '@veza/kit/hyperloglog'
import { type Kysely, sql } from 'kysely'
import { type AnalyticsDatabase, analyticsModel } from '../adapters/analytics.ts'
import { type IsMember } from '../adapters/chat-api.ts'
import { type AskListed, type AskPlayable, type Question } from '../adapters/tracks-api.ts'
import { type PlayRule } from '../domain/play-rule.ts'
import { Rejection } from '../domain/rejection.ts'

type Db = Kysely<AnalyticsDatabase>

interface Common {
  readonly db: Db
  readonly now: () => Date
}

/** Sums of a stretch of time. */
export interface Counted {
  readonly plays: number
  readonly listenedSeconds: number
  readonly apart: { readonly impossible: number; readonly overlapping: number; readonly burst: number }
}

/** A day (UTC, YYYY-MM-DD) and who listened on it; listeners of several days can't be added up as people. */
export interface CountedDay extends Counted {
  readonly day: string
  readonly listeners: number
}

const dayMs = 86_400_000
const hourMs = 3_600_000
/** A player reports every ten seconds; somebody who did within three times that is listening. */
const listeningMs = 30_000

const table = (name: string) => sql.id(analyticsModel.schema, name)
const dayNumber = (at: Date): number => Math.floor(at.getTime() / dayMs)
const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10)
const hourText = (hour: number): string => new Date(hour * hourMs).toISOString()

const sums = sql.raw(`
  coalesce(sum(plays), 0)::bigint as plays, coalesce(sum(seconds), 0)::bigint as seconds,
  coalesce(sum(impossible), 0)::bigint as impossible, coalesce(sum(overlapping), 0)::bigint as overlapping,
  coalesce(sum(burst), 0)::bigint as burst`)

interface Sums {
  plays: number
  seconds: number
  impossible: number
  overlapping: number
  burst: number
}

const toCounted = ({ plays, seconds, impossible, overlapping, burst }: Sums): Counted => ({
  plays,
  listenedSeconds: seconds,
  apart: { impossible, overlapping, burst },
})

/** Of sums without groups there is one row, whatever they are of. */
const theRow = <T>({ rows }: { readonly rows: readonly T[] }): T => rows[0] as T

const noSums: Sums = { plays: 0, seconds: 0, impossible: 0, overlapping: 0, burst: 0 }

/** What is counted of a track. */
export interface TrackStats extends Counted {
  readonly trackId: string
  readonly ruleVersion: number
  readonly listeningNow: number
  /** The latest first; those without anything are left out. */
  readonly days: readonly CountedDay[]
}

/** Of a track that the asker may hear. Rejects Rejection `track-not-found`, `track-not-ready`; TracksUnavailable. */
export const readTrackStats =
  ({ db, ask, rule, now }: Common & { ask: AskPlayable; rule: PlayRule }) =>
  async (question: Question, days: number): Promise<TrackStats> => {
    await ask(question)
    const { trackId } = question
    const at = now()
    const [total, perDay, listening] = await Promise.all([
      sql<Sums>`select ${sums} from ${table('track_days')} where track_id = ${trackId}`.execute(db),
      sql<Sums & { day: number; listeners: number }>`
        select day, listeners, plays, seconds, impossible, overlapping, burst from ${table('track_days')}
        where track_id = ${trackId} and day > ${dayNumber(at) - days} order by day desc`.execute(db),
      // Sessions are good for some hours, so whoever listens now began within them.
      sql<{ n: number }>`
        select count(distinct listener) as n from ${table('hearings')}
        where track_id = ${trackId} and hour > ${Math.floor(at.getTime() / hourMs) - 12}
          and last_at > ${at.getTime() - listeningMs}`.execute(db),
    ])
    return {
      ...toCounted(theRow(total)),
      ...{ trackId, ruleVersion: rule.version, listeningNow: theRow(listening).n },
      days: perDay.rows.map((row) => ({
        ...toCounted(row),
        ...{ day: dayText(row.day), listeners: row.listeners },
      })),
    }
  }

/** A track that is heard much of late. */
export interface Trending {
  readonly trackId: string
  /** Its plays, each worth half after every half-life. */
  readonly score: number
  readonly plays: number
}

const trendingMs = 10_000
const candidates = 500

/**
 * The tracks that somebody may find, the most heard of late first. One list for all, made anew every ten seconds; whom they
 * block, and who blocks them, is left out of what is shown of it.
 */
export const readTrending = ({
  db,
  askListed,
  rule: { trending },
  now,
}: Common & { askListed: AskListed; rule: PlayRule }) => {
  let made: { readonly at: number; readonly list: Promise<Trending[]> } | undefined
  const make = async (at: number): Promise<Trending[]> => {
    const hour = Math.floor(at / hourMs)
    const { rows } = await sql<Trending>`
      select track_id as "trackId", sum(plays)::bigint as plays,
        sum(plays * power(2::float8, (hour - ${hour}::int) / ${trending.halfLifeHours}::float8)) as score
      from ${table('track_hours')}
      where hour > ${hour - trending.windowHours} and hour <= ${hour}
      group by track_id having sum(plays) > 0 order by score desc, track_id limit ${candidates}`.execute(db)
    const listed = new Set(await askListed(rows.map(({ trackId }) => trackId)))
    return rows.filter(({ trackId }) => listed.has(trackId))
  }
  return async (userId: string, limit: number): Promise<Trending[]> => {
    const at = now().getTime()
    if (made === undefined || at - made.at >= trendingMs) {
      const list = make(at)
      const making = { at, list }
      made = making
      list.catch(() => {
        if (made === making) made = undefined
      })
    }
    const list = await made.list
    const shown: Trending[] = []
    for (let from = 0; from < list.length && shown.length < limit; from += limit) {
      const next = list.slice(from, from + limit)
      const found = new Set(
        await askListed(
          next.map(({ trackId }) => trackId),
          userId,
        ),
      )
      shown.push(...next.filter(({ trackId }) => found.has(trackId)))
    }
    return shown.slice(0, limit)
  }
}

/** What an owner sees of all their tracks. */
export interface OwnedStats {
  readonly ruleVersion: number
  readonly total: Counted
  readonly days: readonly (Counted & { readonly day: string })[]
  /** The most heard first. */
  readonly tracks: readonly (Counted & { readonly trackId: string })[]
}

/** Of the last so many days, today among them. */
export const readOwned =
  ({ db, rule, now }: Common & { rule: PlayRule }) =>
  async (ownerId: string, days: number, limit: number): Promise<OwnedStats> => {
    const owned = sql`
      from ${table('track_days')} where owner_id = ${ownerId} and day > ${dayNumber(now()) - days}`
    const [total, perDay, perTrack] = await Promise.all([
      sql<Sums>`select ${sums} ${owned}`.execute(db),
      sql<Sums & { day: number }>`select day, ${sums} ${owned} group by day order by day desc`.execute(db),
      sql<Sums & { track_id: string }>`
        select track_id, ${sums} ${owned}
        group by track_id order by plays desc, seconds desc, track_id limit ${limit}`.execute(db),
    ])
    return {
      ruleVersion: rule.version,
      total: toCounted(theRow(total)),
      days: perDay.rows.map((row) => ({ ...toCounted(row), day: dayText(row.day) })),
      tracks: perTrack.rows.map((row) => ({ ...toCounted(row), trackId: row.track_id })),
    }
  }

/** What is counted of a room. */
export interface RoomStats {
  readonly roomId: string
  /** The latest first. People of several days can't be added up. */
  readonly days: readonly { day: string; messages: number; reactions: number; people: number }[]
  /** Of the last day, the latest first, each by its beginning. */
  readonly hours: readonly { hour: string; messages: number; reactions: number }[]
}

/** For a member. Rejects Rejection `room-not-found`; ChatUnavailable. */
export const readRoomStats =
  ({ db, isMember, now }: Common & { isMember: IsMember }) =>
  async (roomId: string, userId: string, days: number): Promise<RoomStats> => {
    if (!(await isMember(roomId, userId))) throw new Rejection('room-not-found')
    const at = now()
    const hour = Math.floor(at.getTime() / hourMs)
    const [perDay, perHour] = await Promise.all([
      sql<{ day: number; messages: number; reactions: number; people: number }>`
        select day, messages, reactions, people from ${table('room_days')}
        where room_id = ${roomId} and day > ${dayNumber(at) - days} order by day desc`.execute(db),
      sql<{ hour: number; messages: number; reactions: number }>`
        select hour, messages, reactions from ${table('room_hours')}
        where room_id = ${roomId} and hour > ${hour - 24} order by hour desc`.execute(db),
    ])
    return {
      roomId,
      days: perDay.rows.map(({ day, ...rest }) => ({ day: dayText(day), ...rest })),
      hours: perHour.rows.map((row) => ({ ...row, hour: hourText(row.hour) })),
    }
  }

/** A day of the whole platform. */
export interface PlatformDay extends CountedDay {
  /** Tracks that were heard. */
  readonly tracks: number
  readonly messages: number
  readonly reactions: number
  /** Rooms in which anything was said. */
  readonly rooms: number
}

/** The latest first. Listeners are those who heard enough for a play, be it counted or apart. */
export const readDays =
  ({ db, now }: Common) =>
  async (days: number): Promise<PlatformDay[]> => {
    const from = dayNumber(now()) - days
    const [tracks, rooms, sketches] = await Promise.all([
      sql<Sums & { day: number; tracks: number }>`
        select day, ${sums}, count(*) filter (where seconds > 0)::bigint as tracks
        from ${table('track_days')} where day > ${from} group by day`.execute(db),
      sql<{ day: number; messages: number; reactions: number; rooms: number }>`
        select day, sum(messages)::bigint as messages, sum(reactions)::bigint as reactions, count(*) as rooms
        from ${table('room_days')} where day > ${from} group by day`.execute(db),
      sql<{ day: number; sketch: Buffer }>`
        select day, sketch from ${table('day_listeners')} where day > ${from}`.execute(db),
    ])
    const listeners = new Map<number, ReturnType<typeof hyperLogLog>>()
    for (const { day, sketch } of sketches.rows) {
      const all = listeners.get(day) ?? hyperLogLog(14)
      all.merge(hyperLogLog(14, sketch))
      listeners.set(day, all)
    }
    const ofTracks = new Map(tracks.rows.map((row) => [row.day, row]))
    const ofRooms = new Map(rooms.rows.map((row) => [row.day, row]))
    return [...new Set([...ofTracks.keys(), ...ofRooms.keys()])]
      .sort((one, other) => other - one)
      .map((day) => {
        const heard = ofTracks.get(day)
        const said = ofRooms.get(day)
        return {
          ...toCounted(heard ?? noSums),
          ...{
            day: dayText(day),
            listeners: listeners.get(day)?.estimate() ?? 0,
            tracks: heard?.tracks ?? 0,
          },
          ...{ messages: said?.messages ?? 0, reactions: said?.reactions ?? 0, rooms: said?.rooms ?? 0 },
        }
      })
  }
