import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Person,
  type ProblemBody,
  serviceToken,
  startUsers,
  type UsersFixture,
} from './testing/users-fixture.ts'

let fixture: UsersFixture
beforeAll(async () => {
  fixture = await startUsers()
})
afterAll(() => fixture.close())

interface MeBody {
  id: string
  displayName: string
  handle: string | null
  bio: string
  location: string
  links: { label: string; url: string }[]
  private: { fullName: string | null; phone: string | null; birthDate: string | null }
  privacy: { approveFollowers: boolean; searchable: boolean; followsVisibleTo: string }
  followers: number
  following: number
  erasureDueAt: string | null
  version: number
}

const person = (name?: string): Promise<Person> => fixture.person(name)
const handle = (): string => `h${randomUUID().replaceAll('-', '').slice(0, 20)}`

describe('your profile', () => {
  it('is there when you come right from signing up, with the name that your token has', async () => {
    const ana = await person('Ana')
    const me = await ana.call<MeBody>('GET', '/v1/users/me')
    expect(me).toMatchObject({
      status: 200,
      body: { id: ana.userId, displayName: 'Ana', handle: null, bio: '', followers: 0, version: 1 },
    })
    expect((await ana.call<MeBody>('GET', '/v1/users/me')).body.version).toBe(1)
  })

  it('comes to be once when several requests come at once', async () => {
    const ana = await person()
    const all = await Promise.all(Array.from({ length: 8 }, () => ana.call<MeBody>('GET', '/v1/users/me')))
    expect(all.map(({ status, body }) => [status, body.version])).toEqual(all.map(() => [200, 1]))
  })

  it('is changed in part, brought to one form, and read back at once', async () => {
    const ana = await person()
    const changed = await ana.call<MeBody>('PATCH', '/v1/users/me', {
      displayName: '  Zoe\u0308 ',
      bio: 'one\r\ntwo',
      links: [{ label: 'site', url: 'https://example.org' }],
      private: { phone: '+49 (30) 123-4567' },
      privacy: { searchable: false },
    })
    const expected = {
      displayName: 'Zo\u00eb',
      bio: 'one\ntwo',
      location: '',
      links: [{ label: 'site', url: 'https://example.org/' }],
      private: { fullName: null, phone: '+49301234567', birthDate: null },
      privacy: { approveFollowers: false, searchable: false, followsVisibleTo: 'everyone' },
    }
    expect(changed).toMatchObject({ status: 200, body: expected })
    const read = await ana.call<MeBody>('GET', '/v1/users/me')
    expect(read.body).toEqual(changed.body)
  })

  it('gives null to take away what may be missing', async () => {
    const ana = await person()
    const mine = handle()
    await ana.call('PATCH', '/v1/users/me', { handle: mine, private: { fullName: 'Ana Maria' } })
    const { body } = await ana.call<MeBody>('PATCH', '/v1/users/me', {
      handle: null,
      private: { fullName: null },
    })
    expect(body).toMatchObject({ handle: null, private: { fullName: null } })
    const bob = await person()
    expect((await bob.call('PATCH', '/v1/users/me', { handle: mine })).status).toBe(200)
  })

  it('changes nothing when it is as it is wanted', async () => {
    const ana = await person()
    const first = await ana.call<MeBody>('PATCH', '/v1/users/me', { bio: 'x' })
    const again = await ana.call<MeBody>('PATCH', '/v1/users/me', { bio: 'x' })
    expect(again.body.version).toBe(first.body.version)
  })

  it('is not overwritten by whoever saw an older version', async () => {
    const ana = await person()
    const { body, headers } = await ana.call<MeBody>('PATCH', '/v1/users/me', { bio: '1' })
    const etag = headers.get('etag') ?? ''
    await ana.call('PATCH', '/v1/users/me', { bio: '2' })
    const late = await ana.call('PATCH', '/v1/users/me', { bio: '3' }, { 'if-match': etag })
    expect(late).toMatchObject({
      status: 409,
      body: { code: 'version-conflict', currentVersion: body.version + 1 },
    })
    const fresh = await ana.call(
      'PATCH',
      '/v1/users/me',
      { bio: '3' },
      { 'if-match': `"${body.version + 1}"` },
    )
    expect(fresh.status).toBe(200)
    expect((await ana.call('PATCH', '/v1/users/me', { bio: '4' }, { 'if-match': '*' })).status).toBe(200)
    expect(await ana.call('PATCH', '/v1/users/me', { bio: '5' }, { 'if-match': 'x' })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })

  it('is answered 304 to whoever has it already', async () => {
    const ana = await person()
    const { headers } = await ana.call('GET', '/v1/users/me')
    const again = await ana.call('GET', '/v1/users/me', undefined, {
      'if-none-match': headers.get('etag') ?? '',
    })
    expect(again.status).toBe(304)
  })

  it('is what was last changed, also while the views are behind', async () => {
    const ana = await person()
    await ana.call('GET', '/v1/users/me')
    await ana.call('PATCH', '/v1/users/me', { private: { phone: '+49301234567' } })
    fixture.pauseViews = true
    let meanwhile
    try {
      await ana.call('PATCH', '/v1/users/me', { bio: 'new', privacy: { searchable: false } })
      meanwhile = await ana.call<MeBody>('GET', '/v1/users/me')
      expect(meanwhile).toMatchObject({ status: 200, body: { bio: 'new' } })
    } finally {
      fixture.pauseViews = false
    }
    await fixture.seen(ana.userId)
    expect((await ana.call<MeBody>('GET', '/v1/users/me')).body).toEqual(meanwhile.body)
  })

  it('has whoever changed what is between two people wait for the views, and not the other one', async () => {
    const [ana, ben] = [await person(), await person()]
    for (const one of [ana, ben]) {
      await one.call('GET', '/v1/users/me')
      await fixture.seen(one.userId)
    }
    fixture.pauseViews = true
    try {
      await ana.call('PUT', `/v1/users/${ben.userId}/follow`)
      const read = await ana.call('GET', `/v1/users/${ben.userId}`)
      expect(read).toMatchObject({ status: 503, body: { code: 'views-behind' } })
      expect(read.headers.get('retry-after')).toBe('1')
      expect(await ben.call('GET', `/v1/users/${ana.userId}`)).toMatchObject({
        ...{ status: 200, body: { relationship: { following: 'none', followedBy: 'none' } } },
      })
    } finally {
      fixture.pauseViews = false
    }
    const { body } = await ana.call('GET', `/v1/users/${ben.userId}`)
    expect(body).toMatchObject({ relationship: { following: 'following' } })
  })

  it.each([
    [{ displayName: '' }, 'displayName'],
    [{ displayName: 'x'.repeat(81) }, 'displayName'],
    [{ displayName: 'a\u0000b' }, 'displayName'],
    [{ displayName: 'a\u202eb' }, 'displayName'],
    [{ displayName: null }, 'displayName'],
    [{ handle: 'no blanks' }, 'handle'],
    [{ handle: 'ab' }, 'handle'],
    [{ bio: 'x'.repeat(501) }, 'bio'],
    [{ bio: 'tab\u0007' }, 'bio'],
    [{ location: 'a\nb' }, 'location'],
    [{ links: Array.from({ length: 6 }, () => ({ url: 'https://example.org' })) }, 'links'],
    [{ links: [{ url: 'javascript:alert(1)' }] }, 'links.0.url'],
    [{ links: [{ url: 'https://user:secret@example.org' }] }, 'links.0.url'],
    [{ private: { phone: '12345' } }, 'private.phone'],
    [{ private: { birthDate: '2001-02-30' } }, 'private.birthDate'],
    [{ private: { birthDate: '2999-01-01' } }, 'private.birthDate'],
    [{ privacy: { followsVisibleTo: 'friends' } }, 'privacy.followsVisibleTo'],
  ])('refuses %j', async (body, path) => {
    const ana = await person()
    const answer = await ana.call('PATCH', '/v1/users/me', body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
    expect(answer.body.errors?.map((error) => error.path)).toEqual([path])
  })

  it('needs a token', async () => {
    const response = await fixture.users.app.request('/v1/users/me')
    expect(response.status).toBe(401)
  })
})

describe('a handle', () => {
  it('belongs to one person, however many ask for it at once', async () => {
    const wanted = handle()
    const people = await Promise.all(Array.from({ length: 6 }, () => person()))
    const answers = await Promise.all(
      people.map((one) => one.call('PATCH', '/v1/users/me', { handle: `@${wanted.toUpperCase()}` })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'handle-taken')).toHaveLength(5)
  })

  it('is free again when its owner takes another', async () => {
    const [first, second] = [handle(), handle()]
    const [ana, bob] = [await person(), await person()]
    await ana.call('PATCH', '/v1/users/me', { handle: first })
    expect((await bob.call('PATCH', '/v1/users/me', { handle: first })).status).toBe(409)
    await ana.call('PATCH', '/v1/users/me', { handle: second })
    expect((await bob.call('PATCH', '/v1/users/me', { handle: first })).status).toBe(200)
  })
})

describe('settings', () => {
  it('have defaults, are changed in part, and come in canonical form', async () => {
    const ana = await person()
    expect((await ana.call('GET', '/v1/users/me/settings')).body).toEqual({
      language: 'en',
      timeZone: 'UTC',
      theme: 'system',
      emailNotifications: true,
    })
    const changed = await ana.call('PATCH', '/v1/users/me/settings', {
      language: 'PT-br',
      timeZone: 'europe/berlin',
      theme: 'dark',
    })
    const expected = {
      language: 'pt-BR',
      timeZone: 'Europe/Berlin',
      theme: 'dark',
      emailNotifications: true,
    }
    expect(changed.body).toEqual(expected)
    expect((await ana.call('GET', '/v1/users/me/settings')).body).toEqual(expected)
    const none = await ana.call('PATCH', '/v1/users/me/settings', {})
    expect(none.headers.get('etag')).toBe(changed.headers.get('etag'))
  })

  it.each([{ language: 'not a language' }, { timeZone: 'Mars/Olympus' }, { theme: 'pink' }])(
    'refuse %j',
    async (body) => {
      const ana = await person()
      const answer: { body: ProblemBody } = await ana.call('PATCH', '/v1/users/me/settings', body)
      expect(answer.body.code).toBe('invalid-request')
    },
  )
})

describe("users' part of the audit", () => {
  it('tells who did what to whom, and nothing of what a profile says', async () => {
    const [ana, bob] = [await person('Ana'), await person('Bob')]
    await ana.call('PATCH', '/v1/users/me', { bio: 'a secret of hers' })
    await bob.call('GET', '/v1/users/me')
    await ana.call('PUT', `/v1/users/${bob.userId}/follow`)
    const ask = (token: string, query: string) =>
      fixture.users.internal.request(`/internal/v1/users/audit?limit=9&${query}`, {
        headers: { authorization: `Bearer ${token}` },
      })
    const text = await (await ask(serviceToken, `names=${ana.userId}`)).text()
    expect(text).not.toContain('a secret of hers')
    const { entries } = JSON.parse(text) as { entries: { type: string; details: object }[] }
    expect(entries.map(({ type }) => type)).toEqual(['FollowStarted', 'ProfileUpdated', 'ProfileCreated'])
    expect(entries[0]?.details).toMatchObject({ followerId: ana.userId, followeeId: bob.userId })
    expect(entries[1]?.details).toEqual({
      userId: ana.userId,
      changed: ['bio'],
      updatedAt: expect.any(Number) as number,
    })
    expect((await ask('another-service-token', '')).status).toBe(401)
  })
})
