import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { connectCodec } from '@veza/contracts'
import { hyperLogLog } from '@veza/kit/hyperloglog'
import { serve } from '@veza/kit/http'
import { createLog } from '@veza/kit/log'
import { type Database, openDatabase } from '@veza/kit/postgres'
import { createTokenSigner, freshDatabase, infrastructure, testTelemetry } from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStreams } from './index.ts'
import { migrateStreams } from './migrate.ts'
import { type AnalyticsDatabase, dailyDigests } from './store.ts'

const log = createLog('test', 'silent')
const telemetry = testTelemetry()
const closers: (() => unknown)[] = []
let now = new Date('2026-11-24T12:30:00Z')
const today = Math.floor(now.getTime() / 86_400_000)
const hour = today * 24 + 12
const [owner, room] = [randomUUID(), randomUUID()]
const [heard, other, hidden] = [randomUUID(), randomUUID(), randomUUID()]

let database: Database<AnalyticsDatabase>
let url: string
let signer: Awaited<ReturnType<typeof createTokenSigner>>
/** What tracks and chat answer; the tests' own, since other services are not this one's to start. */
let playable = 200
let isAway = false
let listed = [heard, other]
/** Who finds nothing of `heard`. */
let blocked: string | undefined
let member = true

const answerTo = (path: string | undefined, body: string): unknown => {
  if (path === '/internal/v1/tracks/listed') {
    const { trackIds, userId } = JSON.parse(body) as { trackIds: string[]; userId?: string }
    const found = userId === undefined ? listed : trackIds
    return { trackIds: found.filter((id) => userId === undefined || userId !== blocked || id !== heard) }
  }
  if (path !== '/internal/v1/access') return { media: `media/${'ab'.repeat(32)}`, durationMs: 1 }
  const { pairs } = JSON.parse(body) as { pairs: object[] }
  return { results: pairs.map((pair) => ({ ...pair, role: member ? 'member' : null })) }
}

beforeAll(async () => {
  const { schemaRegistryUrl } = infrastructure()
  const codec = await connectCodec(schemaRegistryUrl)
  signer = await createTokenSigner()
  const fresh = await freshDatabase()
  await migrateStreams(fresh.url)
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 2, log })
  const neighbours = createServer((request, response) => {
    void text(request).then((body) => {
      const status = isAway ? 500 : request.url === '/internal/v1/tracks/playable' ? playable : 200
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isAway ? {} : answerTo(request.url, body)))
    })
  })
  await new Promise<void>((resolve) => neighbours.listen(0, '127.0.0.1', resolve))
  const at = `http://127.0.0.1:${(neighbours.address() as AddressInfo).port}`
  const streams = openStreams(
    {
      ...{ OBJECTS_DIR: tmpdir(), S3_ENDPOINT: undefined, S3_BUCKET: 'veza', S3_REGION: 'us-east-1' },
      ...{ S3_ACCESS_KEY_ID: 'x', S3_SECRET_ACCESS_KEY: undefined, S3_PUBLIC: false },
      ...{ SERVICE_TOKEN: 'a-service-token-for-tests', STREAMS_PUBLIC_URL: undefined },
      ...{ STREAMS_SESSION: 3_600_000, STREAMS_RECHECK: 0, STREAMS_MEMORY: 1_000 },
      ...{ STREAMS_ACCEL_PREFIX: undefined, TRACKS_INTERNAL_URL: at, CHAT_INTERNAL_URL: at },
      ...{ STREAMS_DATABASE_URL: fresh.url, STREAMS_DATABASE_CONNECTIONS: 4 },
    },
    {
      ...{ log, telemetry, codec, verifier: createTokenVerifier(signer), now: () => now },
      kafka: {
        producer: () => ({
          send: () => Promise.resolve(),
          sendAll: () => Promise.resolve(),
          healthy: true,
          close: () => Promise.resolve(),
        }),
      },
    },
  )
  const server = await serve(streams.app, { host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${server.port}`
  expect(await streams.checks['streams-database']?.()).toBeUndefined()
  closers.push(
    () => server.close(100),
    () => streams.close(),
    () => neighbours.close(),
    () => database.close(),
    () => fresh.drop(),
    () => telemetry.close(),
  )

  const { db } = database
  const sketch = hyperLogLog(14)
  for (const digest of ['0123456789abcdef', 'fedcba9876543210']) sketch.add(digest)
  const [one, both] = [hyperLogLog(14), sketch.toBytes()]
  one.add('0123456789abcdef')
  for (const [track, day, plays, seconds, apart] of [
    [heard, today, 5, 200, 2],
    [heard, today - 1, 3, 100, 0],
    [heard, today - 40, 7, 300, 0],
    [other, today, 9, 400, 0],
    [hidden, today, 20, 800, 0],
  ] as const)
    await sql`
      insert into analytics.track_days (track_id, day, owner_id, rule, sketch, listeners, plays, seconds, burst)
      values (${track}, ${day}, ${track === heard ? owner : null}, 1, '\\x01', ${plays - 1}, ${plays}, ${seconds}, ${apart})`.execute(
      db,
    )
  for (const [track, at, plays] of [
    [heard, hour, 10],
    [other, hour - 24, 15],
    [hidden, hour, 20],
    [other, hour - 200, 1_000],
  ] as const)
    await sql`
      insert into analytics.track_hours (track_id, hour, plays) values (${track}, ${at}, ${plays})`.execute(
      db,
    )
  for (const [listener, lastAt] of [
    [randomUUID(), now.getTime() - 10_000],
    [randomUUID(), now.getTime() - 60_000],
  ] as const)
    await sql`
      insert into analytics.hearings values (
        ${heard}, ${hour}, ${listener}, 0, 0, 0, ${lastAt}, 0, 0, null, null, '', 0, null, 30, 0)`.execute(db)
  await sql`insert into analytics.day_listeners values (${today}, 0, ${both}), (${today}, 1, ${one.toBytes()})`.execute(
    db,
  )
  await sql`
    insert into analytics.room_days values
      (${room}, ${today}, 6, 2, '\\x01', 3), (${randomUUID()}, ${today - 60}, 8, 0, '\\x01', 2)`.execute(db)
  await sql`
    insert into analytics.room_hours values (${room}, ${hour}, 4, 2), (${room}, ${hour - 30}, 2, 0)`.execute(
    db,
  )
})
afterAll(async () => {
  for (const close of closers) await close()
})

const get = async (path: string, { userId = randomUUID(), roles = [] as string[] } = {}) => {
  const expiresAt = Math.floor(Date.now() / 1000) + 600
  const token = await signer.sign({ userId, name: 'Ana', roles, sessionId: randomUUID(), expiresAt })
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const nothingApart = { impossible: 0, overlapping: 0, burst: 0 }

describe('what is counted', () => {
  it('of a track: in all, by day, and who listens now', async () => {
    expect((await get(`/v1/tracks/${heard}/stats?days=7`)).body).toEqual({
      ...{ trackId: heard, ruleVersion: 1, plays: 15, listenedSeconds: 600, listeningNow: 1 },
      apart: { ...nothingApart, burst: 2 },
      days: [
        {
          ...{ day: '2026-11-24', plays: 5, listenedSeconds: 200, listeners: 4 },
          apart: { ...nothingApart, burst: 2 },
        },
        { day: '2026-11-23', plays: 3, listenedSeconds: 100, listeners: 2, apart: nothingApart },
      ],
    })
    expect((await get(`/v1/tracks/${randomUUID()}/stats`)).body).toMatchObject({ plays: 0, days: [] })
  })

  it('is told to those who may hear it', async () => {
    playable = 404
    expect((await get(`/v1/tracks/${heard}/stats`)).body['code']).toBe('track-not-found')
    playable = 200
    expect((await get('/v1/tracks/none/stats')).status).toBe(400)
    expect((await fetch(`${url}/v1/tracks/${heard}/stats`)).status).toBe(401)
  })

  it('of what everybody may find makes a list: an hour ago is worth more than a day ago', async () => {
    const { body } = await get('/v1/trending')
    expect(body).toEqual({
      tracks: [
        { trackId: heard, score: 10, plays: 10 },
        { trackId: other, score: 7.5, plays: 15 },
      ],
    })
    // One list for everybody, for a while.
    listed = []
    expect((await get('/v1/trending?limit=1')).body).toEqual({
      tracks: [{ trackId: heard, score: 10, plays: 10 }],
    })
    blocked = owner
    expect((await get('/v1/trending?limit=1', { userId: owner })).body).toEqual({
      tracks: [{ trackId: other, score: 7.5, plays: 15 }],
    })
  })

  it("of an owner's tracks is the owner's", async () => {
    const { body } = await get('/v1/users/me/track-stats?days=2', { userId: owner })
    const total = { plays: 8, listenedSeconds: 300, apart: { ...nothingApart, burst: 2 } }
    expect(body).toMatchObject({ total, tracks: [{ trackId: heard, ...total }] })
    expect(body['days']).toMatchObject([{ day: '2026-11-24', plays: 5 }, { plays: 3 }])
    expect((await get('/v1/users/me/track-stats')).body).toMatchObject({ total: { plays: 0 }, days: [] })
  })

  it('of a room is for its members', async () => {
    expect((await get(`/v1/rooms/${room}/stats`)).body).toEqual({
      roomId: room,
      days: [{ day: '2026-11-24', messages: 6, reactions: 2, people: 3 }],
      hours: [{ hour: '2026-11-24T12:00:00.000Z', messages: 4, reactions: 2 }],
    })
    member = false
    expect((await get(`/v1/rooms/${room}/stats`)).body['code']).toBe('room-not-found')
  })

  it('of the platform is for moderators; people of several partitions are counted once', async () => {
    expect((await get('/v1/statistics/days')).body['code']).toBe('not-moderator')
    expect((await get('/v1/statistics/days?days=1', { roles: ['moderator'] })).body).toEqual({
      days: [
        {
          ...{ day: '2026-11-24', plays: 34, listenedSeconds: 1400, listeners: 2, tracks: 3 },
          ...{ messages: 6, reactions: 2, rooms: 1, apart: { ...nothingApart, burst: 2 } },
        },
      ],
    })
  })

  it('of a day is nothing where nobody listened, or nobody said anything', async () => {
    const { body } = await get('/v1/statistics/days?days=100', { roles: ['admin'] })
    expect((body['days'] as unknown[]).slice(-2)).toEqual([
      {
        ...{ day: '2026-10-15', plays: 7, listenedSeconds: 300, listeners: 0, tracks: 1 },
        ...{ messages: 0, reactions: 0, rooms: 0, apart: nothingApart },
      },
      {
        ...{ day: '2026-09-25', plays: 0, listenedSeconds: 0, listeners: 0, tracks: 0 },
        ...{ messages: 8, reactions: 0, rooms: 1, apart: nothingApart },
      },
    ])
  })

  it('waits for those whom it has to ask, and goes on once they are back', async () => {
    isAway = true
    now = new Date(now.getTime() + 10_000)
    for (const path of [`/v1/tracks/${randomUUID()}/stats`, `/v1/rooms/${room}/stats`, '/v1/trending'])
      expect((await get(path)).status, path).toBe(503)
    isAway = false
    listed = [other]
    expect((await get('/v1/trending')).body).toMatchObject({ tracks: [{ trackId: other }] })
  })
})

describe('people in what is counted', () => {
  it('are the same for whoever counts within a day, and nobody can tell that two days have the same', async () => {
    const [one, other] = [dailyDigests(database.db), dailyDigests(database.db)]
    // A chunk of a topic on which little happens.
    const days = Array.from({ length: 150 }, (_, ago) => today - ago)
    await Promise.all([one.prepare(days), other.prepare(days.toReversed())])
    const [ana, ben] = [randomUUID(), randomUUID()]
    const digests = days.map((day) => one.digest(day, ana))
    expect(days.map((day) => other.digest(day, ana))).toEqual(digests)
    expect(new Set(digests).size).toBe(days.length)
    expect(digests[0]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(one.digest(today, ana)).toBe(digests[0])
    expect(one.digest(today, ben)).not.toBe(digests[0])
  })

  it('are nobody any more once the salt of their day is forgotten', async () => {
    const digests = dailyDigests(database.db)
    const of = (day: number) => digests.digest(day, owner)
    await digests.prepare([today - 1, today, today])
    const [before, after] = [of(today - 1), of(today)]
    await digests.forget(today)
    expect(() => of(today - 1)).toThrow(`no salt of day ${today - 1} was made`)
    await digests.prepare([today - 1, today])
    expect(of(today)).toBe(after)
    expect(of(today - 1)).not.toBe(before)
  })
})
