import { openDatabase } from '@veza/kit/postgres'
import { runProjection } from '@veza/kit/projection'
import { repeat } from '@veza/kit/repeat'
import { type HostedWorker, type WorkerCommon } from '@veza/kit/worker'
import { type AnalyticsDatabase, dailyDigests, playRule } from '@veza/streams/store'
import { forgetOld } from './forget.ts'
import { analyticsProjection, type AnalyticsOptions } from './projection.ts'
import { publishStats } from './publish-stats.ts'
import { type AnalyticsSettings } from './settings.ts'

const forgetEveryMs = 60_000
const gatherMs = 1_000
/** One is worked on while PostgreSQL has the other. */
const chunksAtOnce = 2

/** Counts what is listened to and what happens in rooms; opens the worker on streams' migrated database. */
export const openAnalytics = async (
  settings: AnalyticsSettings,
  common: WorkerCommon,
  overrides: Partial<Pick<AnalyticsOptions, 'name' | 'sources' | 'rule'>> = {},
): Promise<HostedWorker> => {
  const { log, codec, kafka, telemetry } = common
  const database = openDatabase<AnalyticsDatabase>(settings.STREAMS_DATABASE_URL, {
    applicationName: 'analytics',
    // Two chunks at a time, salts, what is told, what is forgotten, and the health check.
    poolSize: 6,
    log,
  })
  const { db } = database
  const salts = dailyDigests(db)
  const { rule = playRule } = overrides
  const late = telemetry.meter.createCounter('analytics_late_reports_total', {
    description: 'Reports that came too late to be counted',
  })
  const projection = analyticsProjection({
    ...overrides,
    ...{ rule, salts },
    onLate: (reports) => {
      late.add(reports)
    },
  })
  const worker = await runProjection(projection, database, {
    ...common,
    // Totals are told every two seconds, so that nobody waits for less; each chunk is a transaction of a dozen statements.
    settings: {
      gatherMs,
      chunksAtOnce,
      maxChunkRecords: settings.ANALYTICS_CHUNK,
      maxChunkBytes: 16 * 1024 * 1024,
    },
  })
  // Less than a transaction may idle: the broker that does not answer is not waited for.
  const producer = kafka.producer({ lingerMs: 0, deliveryTimeoutMs: 3_000 })
  const upkeep = [
    repeat(
      "tell tracks' totals",
      { everyMs: settings.ANALYTICS_PUBLISH_EVERY, log },
      publishStats({ db, codec, producer }),
    ),
    repeat(
      'forget what is counted for good',
      { everyMs: forgetEveryMs, log },
      forgetOld({ db, rule, salts, saltsKeptMs: settings.ANALYTICS_SALTS_KEPT }),
    ),
  ]
  return {
    name: worker.name,
    async stop() {
      await worker.stop()
      await Promise.all(upkeep.map((each) => each.close()))
      await producer.close()
      await database.close()
    },
  }
}
