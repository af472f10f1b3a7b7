import { randomBytes } from 'node:crypto'
import { jsonOf } from '@veza/kit/personal-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Person, startUsers, type UsersFixture } from './testing/users-fixture.ts'
import { deleteExpiredExports } from './adapters/exports.ts'
import { type ExportSource, gatherExport, ownSource } from './store.ts'
import { openStreams } from './adapters/streams.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface JobBody {
  id: string
  state: string
  progress: number
  expiresAt: string | null
  download: string | null
  code?: string
}

/** As the worker does, of users' own part. */
const gather = async (
  exportId: string,
  userId: string,
  keptMs = 60_000,
  others: readonly ExportSource[] = [],
) => {
  const { db, views, store, personal, sealing } = fixture
  const streams = openStreams(store, personal)
  const sources = [ownSource({ db, views, streams, personal, sealing }), ...others]
  return gatherExport({ db, sealing, now: () => new Date() }, { sources, keptMs })(exportId, userId)
}
const get = (one: Person, path = '/v1/users/me/export') => one.call<JobBody>('GET', path)

describe('an export', () => {
  it('is asked for by looking for it, and can be fetched when it is whole', async () => {
    const ana = await fixture.person('Ana')
    const bob = await fixture.person('Bob')
    await bob.call('GET', '/v1/users/me')
    await ana.call('PATCH', '/v1/users/me', { private: { fullName: 'Ana Maria' } })
    await ana.call('PUT', `/v1/users/${bob.userId}/follow`)
    await ana.call('GET', `/v1/users/${bob.userId}`)
    const first = await get(ana)
    expect(first).toMatchObject({ status: 202, body: { state: 'queued', progress: 0, download: null } })
    expect((await get(ana)).body).toEqual(first.body)
    const content = `/v1/users/me/exports/${first.body.id}/content`
    expect(await get(ana, content)).toMatchObject({ status: 409, body: { code: 'export-not-ready' } })
    await gather(first.body.id, ana.userId)
    const ready = await get(ana)
    expect(ready).toMatchObject({ status: 200, body: { state: 'ready', progress: 1, download: content } })
    expect((await get(ana, `/v1/users/me/exports/${first.body.id}`)).body).toEqual(ready.body)
    const whole = await ana.call('GET', ready.body.download ?? '')
    expect(whole.headers.get('content-disposition')).toContain('attachment')
    expect(whole.body).toMatchObject({
      users: {
        id: ana.userId,
        profile: { displayName: 'Ana' },
        private: { fullName: 'Ana Maria' },
        following: [{ userId: bob.userId, state: 'following' }],
        followers: [],
      },
    })
  })

  it('is nobody else’s', async () => {
    const [ana, bob] = [await fixture.person('Ana'), await fixture.person('Bob')]
    const { body } = await get(ana)
    await gather(body.id, ana.userId)
    for (const path of [`/v1/users/me/exports/${body.id}`, `/v1/users/me/exports/${body.id}/content`])
      expect(await get(bob, path)).toMatchObject({ status: 404, body: { code: 'export-not-found' } })
  })

  it('is not asked for again at once, but when the last one has failed', async () => {
    const ana = await fixture.person('Ana')
    const { status, body } = await ana.call<JobBody>('POST', '/v1/users/me/export')
    expect(status).toBe(202)
    expect(await ana.call('POST', '/v1/users/me/export')).toMatchObject({
      status: 429,
      body: { code: 'too-many-exports' },
    })
    await fixture.db
      .updateTable('exports')
      .set({ state: 'failed' })
      .where('export_id', '=', body.id)
      .execute()
    expect((await get(ana)).body.state).toBe('failed')
    expect((await ana.call('POST', '/v1/users/me/export')).status).toBe(202)
  })

  it('expires, and is deleted', async () => {
    const ana = await fixture.person('Ana')
    const { body } = await get(ana)
    await gather(body.id, ana.userId, 0)
    expect(await get(ana, `/v1/users/me/exports/${body.id}`)).toMatchObject({ status: 404 })
    await deleteExpiredExports(fixture.db, new Date())
    const rows = await fixture.db
      .selectFrom('exports')
      .select('state')
      .where('export_id', '=', body.id)
      .execute()
    expect(rows).toEqual([])
  })

  it('of any size is kept in sealed pieces, and comes back as it was; without one of them not at all', async () => {
    const ana = await fixture.person('Ana')
    const { body } = await get(ana)
    // Random, so that it is as large in gzip.
    const words = Array.from({ length: 30_000 }, () => randomBytes(32).toString('hex'))
    const much: ExportSource = { name: 'much', read: () => Promise.resolve(jsonOf({ words })) }
    expect(await gather(body.id, ana.userId, 60_000, [much])).toBe('ready')
    const pieces = await fixture.db
      .selectFrom('export_pieces')
      .select(['piece', 'content'])
      .where('export_id', '=', body.id)
      .orderBy('piece')
      .execute()
    expect(pieces.length).toBeGreaterThan(3)
    for (const { content } of pieces) expect(content.length).toBeLessThan(600_000)
    const path = `/v1/users/me/exports/${body.id}/content`
    expect((await ana.call<{ much: unknown }>('GET', path)).body.much).toEqual({ words })

    const without = (piece: number) =>
      fixture.db
        .deleteFrom('export_pieces')
        .where('export_id', '=', body.id)
        .where('piece', '=', piece)
        .execute()
    await without(2)
    await expect(ana.call('GET', path)).rejects.toThrow()
    await without(0)
    expect(await ana.call('GET', path)).toMatchObject({ status: 404, body: { code: 'export-not-found' } })
  })

  it('gathered by two at once is one of theirs, whole', async () => {
    const ana = await fixture.person('Ana')
    const { body } = await get(ana)
    const source = (word: string): ExportSource => ({
      name: 'word',
      read: () => Promise.resolve(jsonOf({ words: Array.from({ length: 5_000 }, (_, n) => `${word} ${n}`) })),
    })
    const outcomes = await Promise.all(
      ['one', 'two'].map((word) => gather(body.id, ana.userId, 60_000, [source(word)])),
    )
    expect(outcomes).toContain('ready')
    const { word } = (
      await ana.call<{ word: { words: string[] } }>('GET', `/v1/users/me/exports/${body.id}/content`)
    ).body
    expect(word.words).toHaveLength(5_000)
    expect(new Set(word.words.map((text) => text.split(' ')[0])).size).toBe(1)
    const attempts = await fixture.db
      .selectFrom('export_pieces')
      .select('attempt')
      .distinct()
      .where('export_id', '=', body.id)
      .execute()
    expect(attempts).toHaveLength(1)
  })
})
