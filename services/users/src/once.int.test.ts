import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startUsers, type UsersFixture } from './testing/users-fixture.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface MeBody {
  bio: string
  version: number
}

const under = (key: string) => ({ 'idempotency-key': key })

it('gives a change that comes again the first answer, whatever has happened since', async () => {
  const ana = await fixture.person()
  const change = (bio: string, key: string) =>
    ana.call<MeBody & { code: string }>('PATCH', '/v1/users/me', { bio }, under(key))
  const first = await change('one', 'first')
  await change('two', 'second')
  const again = await change('one', 'first')
  expect([again.status, again.body]).toEqual([200, first.body])
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect((await ana.call<MeBody>('GET', '/v1/users/me', undefined, under('first'))).body.bio).toBe('two')
  expect(await change('three', 'first')).toMatchObject({
    status: 422,
    body: { code: 'idempotency-key-reused' },
  })
  const bob = await fixture.person()
  expect((await bob.call<MeBody>('PATCH', '/v1/users/me', { bio: 'bob' }, under('first'))).body.bio).toBe(
    'bob',
  )
})

it('has the effect once though the first answer was lost with its process', async () => {
  const [ana, bob] = [await fixture.person(), await fixture.person()]
  await bob.call('GET', '/v1/users/me')
  const path = `/v1/users/${bob.userId}/follow`
  const follow = () => ana.call<{ following: string }>('PUT', path, undefined, under('follow'))
  expect((await follow()).body.following).toBe('following')
  await ana.call('DELETE', path)
  await sql`delete from http_answers where key like ${`${ana.userId} PUT%`}`.execute(fixture.db)
  // Nothing is decided: this is what it came to the first time, not what is.
  expect((await follow()).body.following).toBe('following')
  const { body } = await ana.call<{ relationship: { following: string } }>('GET', `/v1/users/${bob.userId}`)
  expect(body.relationship.following).toBe('none')
})

it('keeps answers so that nobody reads them, and none of somebody who is erased', async () => {
  const ana = await fixture.person()
  const secret = 'nobody knows this'
  const change = () =>
    ana.call<{ code: string }>('PATCH', '/v1/users/me', { private: { fullName: secret } }, under('secret'))
  expect((await change()).status).toBe(200)
  const { rows } = await sql<{ body: Buffer; request_hash: Buffer }>`
    select body, request_hash from http_answers where key like ${`${ana.userId} %`}`.execute(fixture.db)
  expect(rows).toHaveLength(1)
  expect(rows[0]?.body.length).toBeGreaterThan(secret.length)
  expect(rows[0]?.body.includes(secret)).toBe(false)
  expect(rows[0]?.request_hash.length).toBeGreaterThan(32)

  expect((await ana.call('DELETE', '/v1/users/me')).status).toBe(202)
  expect((await change()).status).toBe(410)
  expect(await ana.call('PATCH', '/v1/users/me', { bio: 'x' }, under('later'))).toMatchObject({
    status: 410,
    body: { code: 'user-erased' },
  })
})

it('is told to clients: the header stands in the description of every such write', () => {
  const { paths = {} } = fixture.users.app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'users', version: '1' },
  })
  const silent = Object.entries(paths).flatMap(([path, item]) =>
    (['post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
      const operation = item[method]
      const says = operation?.parameters?.some((one) => 'name' in one && one.name === 'idempotency-key')
      return operation === undefined || says === true ? [] : [`${method} ${path}`]
    }),
  )
  // To be forgotten is done once, and answers of somebody who is are not kept.
  expect(silent).toEqual(['delete /v1/users/me'])
})
