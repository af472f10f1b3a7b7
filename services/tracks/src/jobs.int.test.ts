import { sql } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { type Job } from './store.ts'
import {
  veza,
  jobs,
  database,
  leaseMs,
  made,
  uploaded,
  claimed,
  readyTrack,
  type TrackBody,
  hooks,
} from './testing/tracks-and-jobs.ts'

hooks()

describe('a job', () => {
  it('is there with its track, and its outcome is the track’s', async () => {
    const ana = await veza.person()
    const trackId = await readyTrack(ana)
    const { body } = await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)
    expect(body).toMatchObject({ status: 'ready', duration: 1, loudness: { integrated: -20.5 } })
  })

  it('has one owner at a time', async () => {
    const ana = await veza.person()
    const trackIds = [await uploaded(ana), await uploaded(ana)]
    const taken = await Promise.all(
      Array.from({ length: 10 }, (_, nth) => jobs.claim(`worker-${nth}`, leaseMs)),
    )
    expect(
      taken
        .filter((job) => job !== undefined)
        .map((job) => job.trackId)
        .sort(),
    ).toEqual(trackIds.sort())
  })

  it('that its worker lost is taken over, and only the newer one settles it', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    const first = (await jobs.claim('dead', -1)) as Job
    expect(first.trackId).toBe(trackId)
    const second = await claimed(trackId)
    expect([second.attempt, second.fence]).toEqual([2, first.fence + 1])
    expect(await jobs.heartbeat(first, leaseMs)).toBe(false)
    expect(await jobs.settle(first, { type: 'not-made', code: 'corrupt' }, new Date())).toBe(false)
    expect(await jobs.retry(first, 0, 'late', { counts: true })).toBe(false)
    expect(await jobs.heartbeat(second, leaseMs)).toBe(true)
    expect(await jobs.settle(second, made(), new Date())).toBe(true)
    expect(await jobs.settle(second, made(), new Date())).toBe(false)
    expect((await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)).body.status).toBe('ready')
  })

  it('waits before another attempt, and counts it unless nobody is to blame', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    const first = await claimed(trackId)
    await jobs.retry(first, 60_000, 'ffmpeg crashed', { counts: true })
    expect(await jobs.claim('test', leaseMs)).toBeUndefined()
    expect((await jobs.depth()).waiting).toBe(1)
    await veza.first.sweep()
    const other = await uploaded(ana)
    const second = await claimed(other)
    await jobs.retry(second, 0, 'the store is away', { counts: false })
    expect((await claimed(other)).attempt).toBe(1)
  })

  it('is cancelled with its track', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    const job = await claimed(trackId)
    expect((await ana.call('DELETE', `/v1/tracks/${trackId}`)).status).toBe(204)
    expect(await jobs.heartbeat(job, leaseMs)).toBe(false)
    expect(await jobs.settle(job, made(), new Date())).toBe(false)
    expect((await ana.call('GET', `/v1/tracks/${trackId}`)).status).toBe(404)
  })

  it('that fails tells the owner why', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    await jobs.settle(await claimed(trackId), { type: 'not-made', code: 'corrupt' }, new Date())
    const { body } = await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)
    expect(body).toMatchObject({ status: 'failed', failure: { code: 'corrupt' } })
    expect(body.failure?.detail).toContain('damaged')
  })

  it('settles beside an owner who edits at the same moment', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    const job = await claimed(trackId)
    await Promise.all([
      jobs.settle(job, made(), new Date()),
      ...['a', 'b', 'c'].map((title) => ana.call('PATCH', `/v1/tracks/${trackId}`, { title })),
    ])
    expect((await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)).body.status).toBe('ready')
  })

  it('settles though its owner edits after it began to', async () => {
    const ana = await veza.person()
    const trackId = await uploaded(ana)
    const job = await claimed(trackId)
    const settled = await database.db.transaction().execute(async (trx) => {
      await sql`select from transcode_jobs where track_id = ${trackId} for update`.execute(trx)
      const settling = jobs.settle(job, made(), new Date())
      await vi.waitFor(async () => {
        const { rows } = await sql`select from pg_locks where not granted and pid in (
          select pid from pg_stat_activity where datname = current_database())`.execute(database.db)
        expect(rows).toHaveLength(1)
      })
      expect((await ana.call('PATCH', `/v1/tracks/${trackId}`, { title: 'Meanwhile' })).status).toBe(200)
      return { settling }
    })
    expect(await settled.settling).toBe(true)
    const { body } = await ana.call<TrackBody>('GET', `/v1/tracks/${trackId}`)
    expect([body.status, body.title]).toEqual(['ready', 'Meanwhile'])
  })
})
