import { randomUUID } from 'node:crypto'
import { connectCodec, deadLetterTopic, toHeaders, topics } from '@veza/contracts'
import { addressBook } from '@veza/kit/audit'
import { createHealth } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { createSealing, openKeyEncryption } from '@veza/kit/sealing'
import {
  freshDatabase,
  freshGroup,
  freshTopic,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
} from '@veza/kit/testing'
import { migrateTracks } from '@veza/tracks/migrate'
import { openPlaylists, openTracks, type TracksDatabase } from '@veza/tracks/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openTracksErasure } from './index.ts'

const waiting = { timeout: 40_000, interval: 50 }
const log = createLog('test', 'silent')

it('forgets in tracks whom users has forgotten: tracks, playlists, likes, reports, uploads, addresses; and nobody else', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateTracks(fresh.url)
  const database = openDatabase<TracksDatabase>(fresh.url, { applicationName: 'test', poolSize: 2, log })
  onTestFinished(() => database.close())
  const { db } = database
  const name = freshGroup('tracks-erasure')
  const source = await freshTopic({ prefix: 'users.events', partitions: 2 })
  onTestFinished(() => source.drop())
  const dead = await freshTopic({ prefix: deadLetterTopic(name).replace(/\.v1$/, '') })
  onTestFinished(() => dead.drop())
  const kafka = connectKafka(kafkaBrokers, { clientId: 'test', log })
  onTestFinished(() => kafka.close())
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())

  const settings = { ...testKeyEncryption(), TRACKS_DATABASE_URL: fresh.url }
  const keyEncryption = openKeyEncryption(settings, log)
  const addresses = addressBook(createSealing({ db, keyEncryption }), 'tracks')
  const tracks = openTracks(codec)
  /** Somebody with two tracks, an open upload, and a like of a track. */
  const somebody = async (likes?: string) => {
    const userId = randomUUID()
    const trackIds = [randomUUID(), randomUUID()]
    const at = new Date()
    const sound = { sha256: 'a'.repeat(64), bytes: 1, filename: 'f.wav', format: 'wav', codec: 'pcm' }
    for (const id of trackIds)
      await tracks.execute(
        db,
        id,
        {
          ...{
            type: 'upload',
            id,
            ownerId: userId,
            title: 'T',
            artist: null,
            album: null,
            genre: null,
            cover: null,
          },
          ...{ visibility: 'public', source: sound, recipe: 1, at },
        },
        { metadata: await addresses.seal({ actor: userId, address: '203.0.113.9' }) },
      )
    const upload = { id: randomUUID(), owner_id: userId, bytes: 9, filename: 'secret.wav', title: 'secret' }
    const until = new Date(at.getTime() + 3_600_000)
    await db
      .insertInto('uploads')
      .values({ ...upload, visibility: 'public', created_at: at, expires_at: until })
      .execute()
    const liked = { track_id: likes ?? trackIds[0] ?? '', user_id: userId, liked_at: at }
    await db.insertInto('likes').values(liked).execute()
    await openPlaylists(db, codec).execute(
      userId,
      {
        ...{ type: 'create', id: userId, actorId: userId, at },
        details: { title: 'Late', description: '', visibility: 'public' },
      },
      { metadata: { actor: userId } },
    )
    const report = { reason: 'spam', comment: 'Mine', reported_at: at } as const
    await db
      .insertInto('reports')
      .values({ track_id: liked.track_id, reporter_id: userId, ...report })
      .execute()
    return { userId, trackIds, uploadId: upload.id }
  }
  const ben = await somebody()
  const ana = await somebody(ben.trackIds[0])

  const fail = vi.fn()
  const topic = { ...topics.usersEvents, name: source.name } as typeof topics.usersEvents
  const common = { kafka, codec, health: createHealth(), telemetry, log, fail }
  const worker = openTracksErasure(settings, common, { topic, name })
  onTestFinished(() => worker.stop())
  const producer = kafka.producer()
  onTestFinished(() => producer.close())
  const send = (userId: string, type: 'UserErased' | 'ErasureCancelled') =>
    producer.send({
      topic: source.name,
      key: userId,
      value:
        type === 'UserErased'
          ? codec.encode(topics.usersEvents, type, { userId, erasedAt: 0 })
          : codec.encode(topics.usersEvents, type, { userId, cancelledAt: 0 }),
      headers: toHeaders({ id: randomUUID(), type, source: '/users', time: 0 }),
    })
  const unknown = randomUUID()
  await send(ben.userId, 'ErasureCancelled')
  for (const userId of [ana.userId, ana.userId, unknown]) await send(userId, 'UserErased')

  await vi.waitFor(async () => {
    const { rows } = await database.pool.query<{ subject: string }>(
      'select subject from sealing.data_keys where erased_at is not null',
    )
    expect(rows.map(({ subject }) => subject).sort()).toEqual([ana.userId, unknown].sort())
  }, waiting)
  const left = await db.selectFrom('tracks').select('id').execute()
  expect(left.map(({ id }) => id).sort()).toEqual([...ben.trackIds].sort())
  expect(await db.selectFrom('likes').select('user_id').execute()).toEqual([{ user_id: ben.userId }])
  expect(await db.selectFrom('reports').select('reporter_id').execute()).toEqual([
    { reporter_id: ben.userId },
  ])
  expect(await db.selectFrom('playlists').select('owner_id').execute()).toEqual([{ owner_id: ben.userId }])
  const uploads = await db.selectFrom('uploads').select(['id', 'filename', 'title', 'expires_at']).execute()
  expect(uploads.find(({ id }) => id === ana.uploadId)).toEqual({
    ...{ id: ana.uploadId, filename: '', title: null, expires_at: new Date(0) },
  })
  expect(uploads.find(({ id }) => id === ben.uploadId)).toMatchObject({ filename: 'secret.wav' })
  const events = await database.pool.query<{ actor: string; n: number }>(
    "select actor, count(*) as n from events.events where type = 'TrackDeleted' group by actor",
  )
  expect(events.rows).toEqual([{ actor: name, n: 2 }])
  expect(fail).not.toHaveBeenCalled()
})
