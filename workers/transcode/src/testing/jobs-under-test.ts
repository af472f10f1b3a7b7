import { randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { connectCodec } from '@veza/contracts'
import { createLog } from '@veza/kit/log'
import { filesystemObjects, type Objects } from '@veza/kit/objects'
import { openDatabase } from '@veza/kit/postgres'
import { freshDatabase, infrastructure, makeAudio, testTelemetry } from '@veza/kit/testing'
import { migrateTracks } from '@veza/tracks/migrate'
import { currentRecipe, jobQueue, openTracks, sourceKey, type TracksDatabase } from '@veza/tracks/store'
import { sql } from 'kysely'
import { startRunner, type RunnerOptions } from '../runner.ts'
import { workFolder, workOn } from '../work-on.ts'
import { databaseGate } from './database-gate.ts'

/** Tracks' database and a folder of objects of a test's own, with as many runners as it asks for. */
export const jobsUnderTest = async () => {
  const { schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  await migrateTracks(fresh.url)
  const log = createLog('test', 'silent')
  const database = openDatabase<TracksDatabase>(fresh.url, { applicationName: 'test', poolSize: 8, log })
  const { db } = database
  const telemetry = testTelemetry()
  const dir = await mkdtemp(join(tmpdir(), 'veza-jobs-'))
  const objects = filesystemObjects(join(dir, 'objects'))
  const tracks = openTracks(codec)
  const jobs = jobQueue(db, tracks)
  const path = process.env['PATH'] ?? ''
  const stops: (() => Promise<void>)[] = []
  let uploads = 0

  return {
    ...{ db, dir, objects, tracks, jobs, databaseUrl: fresh.url },

    /**
     * A track that was uploaded, its job waiting. Each sounds a little different: what is stored already is not stored
     * again. @returns its id
     */
    async upload({
      seconds = 1,
      volume = -20 - uploads++ / 10,
      recipe = currentRecipe,
    } = {}): Promise<string> {
      const file = await readFile(await makeAudio(dir, `${randomUUID()}.wav`, { seconds, volume }))
      const id = randomUUID()
      const sha256 = randomUUID().replaceAll('-', '').repeat(2)
      await objects.put(sourceKey(sha256), file, 'application/octet-stream')
      await tracks.execute(db, id, {
        ...{
          type: 'upload',
          id,
          ownerId: randomUUID(),
          title: 'One',
          artist: null,
          album: null,
          genre: null,
        },
        ...{ cover: null, visibility: 'public', recipe, at: new Date() },
        source: { sha256, bytes: file.length, filename: 'one.wav', format: 'wav', codec: 'pcm_s16le' },
      })
      return id
    },

    /** A worker's part that takes jobs, with pauses that suit tests. */
    runner(change: Partial<RunnerOptions> & { store?: Objects; stallMs?: number } = {}) {
      const { store = objects, stallMs = 20_000, ...options } = change
      const runner = startRunner({
        jobs,
        workOn: workOn({ objects: store, maxDurationSeconds: 60, stallMs, folder: dir }),
        progressOf: () => () => undefined,
        ...{ worker: randomUUID(), concurrency: 1, leaseMs: 30_000, maxAttempts: 3, pollMs: 20 },
        retryMs: { min: 1, max: 5 },
        ...{ log, meter: telemetry.meter, now: () => new Date() },
        ...options,
      })
      stops.push(() => runner.stop())
      return runner
    },

    /** The queue by a way that can be shut. Closed by `rest`. */
    async jobsBehindGate() {
      const gate = await databaseGate(fresh.url)
      const behind = openDatabase<TracksDatabase>(gate.url, { applicationName: 'test', poolSize: 4, log })
      stops.push(async () => {
        await behind.close()
        await gate.shut()
      })
      return { gate, jobs: jobQueue(behind.db, tracks) }
    },

    /** Folders of jobs in hand. */
    workFolders: async () => (await readdir(dir)).filter((name) => name.startsWith(workFolder)),

    /** Stops all runners, and takes back what was replaced. */
    async rest() {
      // The last first: a runner before its database.
      for (const stop of stops.splice(0).reverse()) await stop()
    },

    /** A track's owner, as the one who asks. */
    async ownerOf(trackId: string) {
      const { owner_id: userId } = await db
        .selectFrom('tracks')
        .select('owner_id')
        .where('id', '=', trackId)
        .executeTakeFirstOrThrow()
      return { userId, moderator: false }
    },

    async erase(trackId: string) {
      const actor = { userId: randomUUID(), moderator: true }
      await tracks.execute(db, trackId, { type: 'delete', actor, at: new Date() })
    },

    /** Where what was made of a track lies; null: nowhere. */
    async mediaOf(trackId: string) {
      const row = await db.selectFrom('tracks').select('media').where('id', '=', trackId).executeTakeFirst()
      return row?.media ?? null
    },

    /** The job of a track, the newest of its recipes. */
    job: (trackId: string) =>
      db
        .selectFrom('transcode_jobs')
        .select(['state', 'attempts', 'last_error'])
        .where('track_id', '=', trackId)
        .orderBy('recipe', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow(),

    /** Types of what happened to a track, in order. */
    async history(trackId: string): Promise<string[]> {
      const { rows } = await sql<{ type: string }>`
        select type from events.events where stream = ${`track-${trackId}`} order by version`.execute(db)
      return rows.map(({ type }) => type)
    },

    /** From here on a program is this shell script, which has the real one's name in $REAL. Undone by `rest`. */
    async replace(program: 'ffmpeg' | 'ffprobe', script: string) {
      const folder = join(dir, randomUUID())
      await mkdir(folder)
      const file = join(folder, program)
      await writeFile(file, `#!/bin/sh\nREAL="$(PATH='${path}' command -v ${program})"\n${script}\n`)
      await chmod(file, 0o755)
      process.env['PATH'] = `${folder}${delimiter}${process.env['PATH'] ?? ''}`
      stops.push(() => {
        process.env['PATH'] = path
        return Promise.resolve()
      })
    },

    async close() {
      await database.close()
      await fresh.drop()
      await telemetry.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export type JobsUnderTest = Awaited<ReturnType<typeof jobsUnderTest>>
