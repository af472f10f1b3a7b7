import { topics } from '@veza/contracts'
import { type Logger } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { replay, type ReplayOptions, type ReplayProgress } from '@veza/kit/projection'
import { type AnalyticsDatabase, analyticsModel, dailyDigests, dayOf, playRule } from '@veza/streams/store'
import { type QueryExecutorProvider, sql } from 'kysely'
import { namedAlready, readArchive, type ReportArchive } from './archive.ts'
import { hourMs } from './domain/hearing.ts'
import { analyticsProjection, type AnalyticsOptions } from './projection.ts'
import { type AnalyticsSettings } from './settings.ts'

const layoutOf = (version: number): number => Math.floor(version / 1_000)

/** Which rows of each table are of the time before, and the columns that it has. */
const older: Readonly<
  Record<string, { columns: string; before: (sinceHour: number) => number; by: string }>
> = {
  hearings: {
    columns:
      'track_id, hour, listener, partition, started_at, first_at, last_at, furthest_ms, duration_ms, owner_id, ' +
      'address, parts, heard, slot, required, reasons',
    ...{ by: 'hour', before: (hour) => hour },
  },
  paces: {
    columns: 'kind, who, slot, amount',
    ...{ by: 'slot', before: (hour) => Math.floor((hour * 3_600) / playRule.apart.withinSeconds) },
  },
  track_hours: {
    columns: 'track_id, hour, plays, seconds, impossible, overlapping, burst',
    ...{ by: 'hour', before: (hour) => hour },
  },
  track_days: {
    columns:
      'track_id, day, owner_id, rule, sketch, listeners, plays, seconds, impossible, overlapping, burst',
    ...{ by: 'day', before: (hour) => hour / 24 },
  },
  day_listeners: {
    columns: 'day, partition, sketch',
    ...{ by: 'day', before: (hour) => hour / 24 },
  },
}

const olderRooms: typeof older = {
  room_hours: {
    columns: 'room_id, hour, messages, reactions',
    ...{ by: 'hour', before: (hour) => hour },
  },
  room_days: {
    columns: 'room_id, day, messages, reactions, sketch, people',
    ...{ by: 'day', before: (hour) => hour / 24 },
  },
}

/** What was counted of the time before, by whichever rule, stays as it is. */
const bringOlder =
  (sinceHour: number, roomsSinceHour: number) =>
  async (trx: QueryExecutorProvider, live: string, rebuilt: string): Promise<void> => {
    const { rows } = await sql<{ version: number }>`
      select version from ${sql.id(live, 'projected_model')}`.execute(trx)
    if (layoutOf(rows[0]?.version ?? 0) !== layoutOf(analyticsModel.version)) return
    const parts = [[older, sinceHour] as const, [olderRooms, roomsSinceHour] as const]
    for (const [tables, hour] of parts)
      for (const [table, { columns, by, before }] of Object.entries(tables))
        await sql`
          insert into ${sql.id(rebuilt, table)} (${sql.raw(columns)})
          select ${sql.raw(columns)} from ${sql.id(live, table)}
          where ${sql.id(by)} < ${before(hour)}`.execute(trx)
    // Of rooms where nothing happened since.
    await sql`
      insert into ${sql.id(rebuilt, 'rooms')} (room_id, epoch, last_offset)
      select room_id, epoch, last_offset from ${sql.id(live, 'rooms')} on conflict do nothing`.execute(trx)
  }

/** What tests have of their own. */
type Overrides = Pick<AnalyticsOptions, 'name' | 'sources' | 'rule'> & { readonly now?: () => Date }

/**
 * Counts everything again from whole days on, beside the live counts, and swaps the two; what is older is taken over as it
 * is. Rejects when it can't; nothing is changed then.
 *
 * @param options `from`: the first day is the one (UTC) that it is in; without it the first that the topics, or the archive,
 * have whole. `archive`: is read before the topic, which is then read from where the archive ends
 */
export const replayAnalytics = async (
  settings: Pick<AnalyticsSettings, 'STREAMS_DATABASE_URL' | 'ANALYTICS_CHUNK'>,
  {
    log,
    from,
    archive,
    ...options
  }: ReplayOptions & { readonly log: Logger; readonly archive?: ReportArchive | undefined },
  { rule = playRule, now = () => new Date(), ...overrides }: Partial<Overrides> = {},
): Promise<ReplayProgress> => {
  const database = openDatabase<AnalyticsDatabase>(settings.STREAMS_DATABASE_URL, {
    applicationName: 'replay',
    poolSize: 4,
    log,
  })
  const kept = dayOf(now().getTime() - topics.listeningEvents.retentionMs) + 1
  const first = from === undefined ? (archive?.firstWholeDay ?? kept) : dayOf(from)
  const since = 24 * first
  // What happened in rooms is in the topic alone.
  const roomsSince = 24 * (archive ? Math.max(first, kept) : first)
  const own = { ...overrides, rule, since, roomsSince, onLate: () => undefined }
  const projection = analyticsProjection({ ...own, salts: dailyDigests(database.db) })
  const before =
    archive && readArchive(archive, projection, analyticsProjection({ ...own, salts: namedAlready }))
  try {
    return await replay(projection, database.db, {
      ...options,
      maxChunkRecords: settings.ANALYTICS_CHUNK,
      chunksAtOnce: 2,
      // Clocks differ a little; what belongs to days before is left out by itself.
      from: (since - 1) * hourMs,
      ...{ carryOver: bringOlder(since, roomsSince), before },
    })
  } finally {
    await database.close()
  }
}
