import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Person, startUsers, type UsersFixture } from './testing/users-fixture.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface UserBody {
  id: string
  displayName: string
  followers: number
  following: number
  relationship: { following: string; followedBy: string } | null
}
interface ListBody {
  users: { id: string; displayName: string; since: string }[]
  next: string | null
}

/** Somebody whose profile is there. */
const person = async (name = 'Ana', changes: object = {}): Promise<Person> => {
  const one = await fixture.person(name)
  await one.call('PATCH', '/v1/users/me', { displayName: name, ...changes })
  await fixture.seen(one.userId)
  return one
}
const people = (...names: string[]): Promise<Person[]> => Promise.all(names.map((name) => person(name)))

const see = async (viewer: Person, { userId }: Person) =>
  (await viewer.call<UserBody>('GET', `/v1/users/${userId}`)).body
/** What somebody sees when the views have all that was between the two: who changed nothing waits for nothing. */
const seeAll = async (viewer: Person, other: Person) => {
  await fixture.seenBetween(viewer.userId, other.userId)
  return see(viewer, other)
}
const follow = (one: Person, other: Person) => one.call('PUT', `/v1/users/${other.userId}/follow`)
const block = (one: Person, other: Person) => one.call('PUT', `/v1/users/${other.userId}/block`)
const list = async (one: Person, path: string) => (await one.call<ListBody>('GET', path)).body
const idsIn = ({ users }: ListBody) => users.map(({ id }) => id)
const privately = { privacy: { approveFollowers: true } }

describe('following', () => {
  it('is seen from both sides at once, and counted', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    expect(await follow(ana, bob)).toMatchObject({
      status: 200,
      body: { userId: bob.userId, following: 'following', followedBy: 'none', blocking: false },
    })
    expect(await see(ana, bob)).toMatchObject({
      followers: 1,
      following: 0,
      relationship: { following: 'following', followedBy: 'none' },
    })
    expect(await seeAll(bob, ana)).toMatchObject({
      followers: 0,
      following: 1,
      relationship: { following: 'none', followedBy: 'following' },
    })
    expect(await see(ana, ana)).toMatchObject({ relationship: null, following: 1 })
    expect(idsIn(await list(ana, `/v1/users/${bob.userId}/followers`))).toEqual([ana.userId])
    expect(idsIn(await list(bob, `/v1/users/${ana.userId}/following`))).toEqual([bob.userId])
  })

  it('twice is following once, and ends when it is taken back', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    await Promise.all([follow(ana, bob), follow(ana, bob), follow(ana, bob)])
    expect((await see(ana, bob)).followers).toBe(1)
    for (let n = 0; n < 2; n++)
      expect((await ana.call('DELETE', `/v1/users/${bob.userId}/follow`)).status).toBe(200)
    expect(await see(ana, bob)).toMatchObject({ followers: 0, relationship: { following: 'none' } })
  })

  it('is asked for where followers are accepted one by one', async () => {
    const ana = await person('Ana')
    const bob = await person('Bob', privately)
    expect((await follow(ana, bob)).body).toMatchObject({ following: 'requested' })
    expect(await see(ana, bob)).toMatchObject({ followers: 0, relationship: { following: 'requested' } })
    expect(idsIn(await list(bob, '/v1/users/me/follow-requests'))).toEqual([ana.userId])
    const accepted = await bob.call('PUT', `/v1/users/me/followers/${ana.userId}`)
    expect(accepted.body).toMatchObject({ followedBy: 'following' })
    expect(await seeAll(ana, bob)).toMatchObject({ followers: 1, relationship: { following: 'following' } })
    expect(idsIn(await list(bob, '/v1/users/me/follow-requests'))).toEqual([])
  })

  it('is declined, taken back or ended by the other', async () => {
    const ana = await person('Ana')
    const bob = await person('Bob', privately)
    await follow(ana, bob)
    await bob.call('DELETE', `/v1/users/me/followers/${ana.userId}`)
    expect((await seeAll(ana, bob)).relationship?.following).toBe('none')
    expect(await bob.call('PUT', `/v1/users/me/followers/${ana.userId}`)).toMatchObject({
      status: 404,
      body: { code: 'no-follow-request' },
    })
    await follow(ana, bob)
    await ana.call('DELETE', `/v1/users/${bob.userId}/follow`)
    await fixture.seenBetween(ana.userId, bob.userId)
    expect(idsIn(await list(bob, '/v1/users/me/follow-requests'))).toEqual([])
    await follow(ana, bob)
    await bob.call('PUT', `/v1/users/me/followers/${ana.userId}`)
    await bob.call('DELETE', `/v1/users/me/followers/${ana.userId}`)
    expect(await seeAll(ana, bob)).toMatchObject({ followers: 0, relationship: { following: 'none' } })
  })

  it('takes somebody else, who is there', async () => {
    const ana = await person()
    expect(await follow(ana, ana)).toMatchObject({ status: 400, body: { code: 'not-yourself' } })
    const nobody = { ...ana, userId: randomUUID() }
    expect(await follow(ana, nobody)).toMatchObject({ status: 404, body: { code: 'user-not-found' } })
    expect(await ana.call('PUT', '/v1/users/no-id/follow')).toMatchObject({ status: 400 })
  })

  it('is possible right after signing up', async () => {
    const bob = await person('Bob')
    const ana = await fixture.person('Ana')
    expect((await follow(ana, bob)).status).toBe(200)
    await fixture.seen(ana.userId)
    expect((await seeAll(bob, ana)).displayName).toBe('Ana')
  })
})

describe('lists of people', () => {
  it('come in pages, the youngest first, each person once', async () => {
    const bob = await person('Bob')
    const fans = await people('A', 'B', 'C', 'D', 'E')
    for (const fan of fans) await follow(fan, bob)
    for (const fan of fans) await fixture.seenBetween(bob.userId, fan.userId)
    const path = `/v1/users/${bob.userId}/followers?limit=2`
    const first = await list(bob, path)
    const second = await list(bob, `${path}&cursor=${first.next ?? ''}`)
    const third = await list(bob, `${path}&cursor=${second.next ?? ''}`)
    expect([...idsIn(first), ...idsIn(second), ...idsIn(third)]).toEqual(
      fans.map(({ userId }) => userId).reverse(),
    )
    expect(third.next).toBeNull()
    const foreign = await bob.call('GET', `/v1/users/${bob.userId}/following?cursor=${first.next ?? ''}`)
    expect(foreign).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
    for (const cursor of [
      'x',
      Buffer.from('fr:x').toString('base64url'),
      Buffer.from('fr:1.x').toString('base64url'),
    ])
      expect((await bob.call('GET', `${path}&cursor=${cursor}`)).status).toBe(400)
  })

  it('are hidden from whom their owner says', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    const path = `/v1/users/${bob.userId}/followers`
    const status = async (viewer: Person) => (await viewer.call('GET', path)).status
    await bob.call('PATCH', '/v1/users/me', { privacy: { followsVisibleTo: 'followers' } })
    await fixture.seen(bob.userId)
    expect(await ana.call('GET', path)).toMatchObject({ status: 403, body: { code: 'follows-hidden' } })
    expect(await status(bob)).toBe(200)
    await follow(ana, bob)
    await see(ana, bob)
    expect(await status(ana)).toBe(200)
    await bob.call('PATCH', '/v1/users/me', { privacy: { followsVisibleTo: 'nobody' } })
    await fixture.seen(bob.userId)
    expect(await status(ana)).toBe(403)
    expect(await status(bob)).toBe(200)
  })
})

describe('blocking', () => {
  it('ends what was between the two, both ways, and hides each from the other', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    await follow(ana, bob)
    await follow(bob, ana)
    expect((await block(ana, bob)).body).toMatchObject({
      following: 'none',
      followedBy: 'none',
      blocking: true,
    })
    for (const [one, other] of [
      [ana, bob],
      [bob, ana],
    ] as const) {
      expect(await seeAll(one, other)).toMatchObject({ code: 'user-not-found' })
      expect(await follow(one, other)).toMatchObject({ status: 404, body: { code: 'user-not-found' } })
      expect((await see(one, one)).followers).toBe(0)
      expect((await one.call('GET', `/v1/users/${other.userId}/followers`)).status).toBe(404)
    }
    expect(idsIn(await list(ana, '/v1/users/me/blocks'))).toEqual([bob.userId])
    expect(idsIn(await list(bob, '/v1/users/me/blocks'))).toEqual([])
  })

  it('hides each from the other in the lists of third people', async () => {
    const [ana, bob, eve] = (await people('Ana', 'Bob', 'Eve')) as [Person, Person, Person]
    await follow(ana, eve)
    await follow(bob, eve)
    await block(ana, bob)
    for (const [one, other] of [
      [ana, eve],
      [bob, eve],
      [ana, bob],
    ] as const)
      await fixture.seenBetween(one.userId, other.userId)
    const path = `/v1/users/${eve.userId}/followers`
    expect(idsIn(await list(ana, path))).toEqual([ana.userId])
    expect(idsIn(await list(bob, path))).toEqual([bob.userId])
    expect(idsIn(await list(eve, path))).toHaveLength(2)
  })

  it('is taken back without bringing back what it ended', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    await follow(bob, ana)
    await block(ana, bob)
    await block(ana, bob)
    await ana.call('DELETE', `/v1/users/${bob.userId}/block`)
    expect(await seeAll(bob, ana)).toMatchObject({ relationship: { following: 'none' } })
    expect((await follow(bob, ana)).status).toBe(200)
    expect((await ana.call('DELETE', `/v1/users/${bob.userId}/block`)).status).toBe(200)
  })

  it('by both needs both to take it back', async () => {
    const [ana, bob] = (await people('Ana', 'Bob')) as [Person, Person]
    await block(ana, bob)
    await block(bob, ana)
    await ana.call('DELETE', `/v1/users/${bob.userId}/block`)
    expect((await follow(ana, bob)).status).toBe(404)
    await bob.call('DELETE', `/v1/users/${ana.userId}/block`)
    expect((await follow(ana, bob)).status).toBe(200)
  })
})

describe('search', () => {
  const found = async (viewer: Person, q: string, more = '') =>
    list(viewer, `/v1/users?q=${encodeURIComponent(q)}${more}`)

  it('finds names by their beginning, by a part, without accents, and with a slip', async () => {
    const word = `qu${randomUUID().slice(0, 6)}`
    const viewer = await person('Viewer')
    const exact = await person(`${word} Sch\u00f6nberg`)
    const inside = await person(`Arnold ${word}`)
    const handled = await person('Nobody', { handle: `${word}_handle` })
    expect(idsIn(await found(viewer, word.toUpperCase()))).toEqual([
      exact.userId,
      ...[inside.userId, handled.userId].sort().reverse(),
    ])
    expect(idsIn(await found(viewer, `${word} schonberg`))[0]).toBe(exact.userId)
    expect(idsIn(await found(viewer, `${word} Schonbreg`))[0]).toBe(exact.userId)
    expect(idsIn(await found(viewer, 'zzzzzz'))).toEqual([])
  })

  it('comes in pages', async () => {
    const word = `pg${randomUUID().slice(0, 6)}`
    const viewer = await person('Viewer')
    const all = await people(...Array.from({ length: 5 }, (_, n) => `${word} ${n}`))
    const ids: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const page: ListBody = await found(viewer, word, `&limit=2${next === '' ? '' : `&cursor=${next}`}`)
      ids.push(...idsIn(page))
      next = page.next
    }
    expect([...ids].sort()).toEqual(all.map(({ userId }) => userId).sort())
  })

  it('leaves out who does not want to be found, and whom a block parts', async () => {
    const word = `hd${randomUUID().slice(0, 6)}`
    const [viewer, seen, hidden, blocker] = await people('V', `${word} a`, `${word} b`, `${word} c`)
    if (!viewer || !seen || !hidden || !blocker) throw new Error('nobody')
    await hidden.call('PATCH', '/v1/users/me', { privacy: { searchable: false } })
    await fixture.seen(hidden.userId)
    await block(blocker, viewer)
    await see(blocker, viewer)
    expect(idsIn(await found(viewer, word))).toEqual([seen.userId])
    expect(idsIn(await found(seen, word)).sort()).toEqual([seen.userId, blocker.userId].sort())
  })

  it('takes words as they are, whatever signs are in them', async () => {
    const viewer = await person('Viewer')
    const percent = await person('100%_sure\\')
    expect(idsIn(await found(viewer, '100%_sure\\'))).toEqual([percent.userId])
    for (const q of ['%%', '__', "';--"])
      expect((await viewer.call('GET', `/v1/users?q=${encodeURIComponent(q)}`)).status).toBe(200)
    for (const q of ['', 'x', '\u0000\u0000', 'x'.repeat(201)])
      expect((await viewer.call('GET', `/v1/users?q=${encodeURIComponent(q)}`)).status).toBe(400)
    expect(
      (await viewer.call('GET', `/v1/users?q=xx&cursor=${Buffer.from('se:x').toString('base64url')}`)).status,
    ).toBe(400)
  })
})

describe('people by their ids', () => {
  const see = async (viewer: Person, ids: readonly string[]) =>
    (await viewer.call<ListBody>('GET', `/v1/users?ids=${ids.join(',')}`)).body

  it('are all there at once, in the order of the ids, each once, the viewer among them', async () => {
    const crowd = await people(...Array.from({ length: 12 }, (_, index) => `P${index}`))
    const [viewer] = crowd as [Person]
    const ids = crowd.map(({ userId }) => userId).reverse()
    const { users, next } = await see(viewer, [...ids, ...ids])
    expect(users.map(({ id }) => id)).toEqual(ids)
    expect(users[0]).toEqual({ id: ids[0], displayName: 'P11', handle: null, avatar: null })
    expect(next).toBeNull()
  })

  it('are without whoever is not there, was erased, or is parted from the viewer by a block', async () => {
    const [viewer, shy, blocker, blocked, erased] = (await people('V', 'S', 'B', 'C', 'E')) as [
      ...[Person, Person, Person, Person, Person],
    ]
    await shy.call('PATCH', '/v1/users/me', { privacy: { searchable: false } })
    await block(blocker, viewer)
    await block(viewer, blocked)
    await erased.call('DELETE', '/v1/users/me')
    for (const other of [shy, erased]) await fixture.seen(other.userId)
    for (const other of [blocker, blocked]) await fixture.seenBetween(viewer.userId, other.userId)
    const ids = [randomUUID(), ...[shy, blocker, blocked, erased].map(({ userId }) => userId)]
    expect(idsIn(await see(viewer, ids))).toEqual([shy.userId])
    expect(idsIn(await see(shy, ids))).toEqual([shy, blocker, blocked].map(({ userId }) => userId))
  })

  it('are 1 to 100, by ids alone', async () => {
    const viewer = await person()
    const ids = Array.from({ length: 101 }, () => randomUUID())
    expect(await see(viewer, ids.slice(1))).toEqual({ users: [], next: null })
    for (const query of [
      '',
      'ids=',
      `ids=${ids.join(',')}`,
      `ids=${ids[0]},`,
      `ids=${ids[0]?.toUpperCase()}`,
      `ids=${ids[0]}&q=ana`,
    ])
      expect(await viewer.call('GET', `/v1/users?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      })
  })
})

describe('a person', () => {
  it('shows nothing that is private', async () => {
    const bob = await person('Bob', { private: { fullName: 'Robert Secret', phone: '+49301234567' } })
    const ana = await person('Ana')
    const text = JSON.stringify(await see(ana, bob))
    expect(text).toContain('Bob')
    expect(text).not.toMatch(/Secret|301234567|private|settings/)
  })

  it('is not found before they are there', async () => {
    const ana = await person('Ana')
    expect(await see(ana, { ...ana, userId: randomUUID() })).toMatchObject({ code: 'user-not-found' })
  })
})
