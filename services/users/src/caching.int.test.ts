import { openCaches } from '@veza/kit/cache'
import { expect, it, onTestFinished } from 'vitest'
import { pairStream, userStream } from './adapters/streams.ts'
import { startUsers } from './testing/users-fixture.ts'

interface Shown {
  readonly bio: string
  readonly followers: number
  readonly relationship: { readonly following: string; readonly followedBy: string } | null
}

it('with caches whoever changes something sees it changed, others once they are told, a block too', async () => {
  // A clock that stands still: nothing is forgotten for its age.
  const caches = openCaches({ now: () => 0 })
  caches.told()
  const veza = await startUsers({}, { caches })
  onTestFinished(() => veza.close())
  const elsewhere = await veza.open()
  const [ana, ben] = [await veza.person('Ana'), await veza.person('Ben')]
  for (const person of [ana, ben]) expect((await person.call('GET', '/v1/users/me')).status).toBe(200)
  await Promise.all([veza.seen(ana.userId), veza.seen(ben.userId)])
  const versionOf = (stream: string) => veza.store.currentVersion(veza.db, stream)
  const path = `/v1/users/${ana.userId}`
  const seen = async () => (await ben.call<Shown>('GET', path)).body
  const named = async () => {
    const { body } = await ben.call<{ users: { displayName: string }[] }>(
      'GET',
      `/v1/users?ids=${ana.userId}`,
    )
    return body.users.map(({ displayName }) => displayName)
  }
  expect(await seen()).toMatchObject({ bio: '', relationship: { following: 'none' } })
  expect(await named()).toEqual(['Ana'])

  expect((await ana.call('PATCH', '/v1/users/me', { bio: 'here' })).status).toBe(200)
  await veza.seen(ana.userId)
  expect(await seen()).toMatchObject({ bio: 'here' })

  const through = (person: typeof ana) => (method: string, at: string, body?: unknown) =>
    elsewhere.app.request(at, {
      method,
      headers: { authorization: `Bearer ${person.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const changes = { bio: 'elsewhere', displayName: 'Anna' }
  expect((await through(ana)('PATCH', '/v1/users/me', changes)).status).toBe(200)
  await veza.seen(ana.userId)
  expect(await seen()).toMatchObject({ bio: 'here' })
  expect(await named()).toEqual(['Ana'])
  caches.changed([{ tag: `profile:${ana.userId}`, version: await versionOf(userStream(ana.userId)) }])
  expect(await seen()).toMatchObject({ bio: 'elsewhere' })
  expect(await named()).toEqual(['Anna'])

  expect((await ben.call('PUT', `${path}/follow`)).status).toBe(200)
  expect(await seen()).toMatchObject({ followers: 1, relationship: { following: 'following' } })
  const stream = pairStream(ana.userId, ben.userId)
  const tag = stream.replace('-', ':')
  expect((await through(ben)('DELETE', `${path}/follow`)).status).toBe(200)
  expect(await seen()).toMatchObject({ relationship: { following: 'following' } })
  caches.changed([{ tag, version: await versionOf(stream) }])
  expect(await seen()).toMatchObject({ relationship: { following: 'none' } })

  // What the other one does is there as soon as the views have it.
  const blocking = `/v1/users/${ben.userId}/block`
  const found = async () => {
    await veza.seenBetween(ana.userId, ben.userId)
    return (await ben.call('GET', path)).status
  }
  expect((await through(ana)('PUT', blocking)).status).toBe(200)
  expect(await found()).toBe(200)
  caches.changed([{ tag, version: await versionOf(stream) }])
  expect(await found()).toBe(404)
  expect((await ana.call('DELETE', blocking)).status).toBe(200)
  expect(await found()).toBe(200)
  expect((await ana.call('PUT', blocking)).status).toBe(200)
  expect(await found()).toBe(404)
  expect((await ana.call('DELETE', blocking)).status).toBe(200)

  // Erased elsewhere: gone as soon as this process is told.
  const erased = await through(ana)('DELETE', '/v1/users/me')
  expect(erased.status).toBeLessThan(300)
  await veza.seen(ana.userId)
  caches.changed([{ tag: `profile:${ana.userId}`, version: await versionOf(userStream(ana.userId)) }])
  expect((await ben.call('GET', path)).status).toBe(404)
})
