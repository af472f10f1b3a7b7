import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthFixture, password, type AuthFixture, type ProblemBody } from './testing/auth-fixture.ts'
import { argon2id } from './adapters/password-hasher.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

const tokens = {
  accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as unknown,
  refreshToken: expect.stringMatching(/^[\w-]{91}$/) as unknown,
  expiresIn: 600,
}

describe('register', () => {
  it('creates an account and signs it in', async () => {
    const answer = await fixture.post('/v1/auth/register', {
      email: ' Rea@Example.ORG',
      password,
      displayName: ' Rea\u0301 ',
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).toEqual({
      user: { id: expect.any(String) as unknown, email: 'rea@example.org', displayName: 'Reá' },
      ...tokens,
    })
  })

  it('takes an address once, however it is spelt', async () => {
    const { user } = await fixture.person()
    const answer = await fixture.post<ProblemBody>('/v1/auth/register', {
      email: user.email.toUpperCase(),
      password: 'another password',
      displayName: 'Eve',
    })
    expect(answer.status).toBe(409)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.code).toBe('email-taken')
  })

  it('of several at once with one address lets one through, and leaves nothing of the others', async () => {
    const person = { email: 'race@example.org', password, displayName: 'Race' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => fixture.post('/v1/auth/register', person)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  it('names every field that is wrong, and repeats none', async () => {
    const answer = await fixture.post<ProblemBody>('/v1/auth/register', {
      email: 'nobody@',
      password: 'secret7',
      displayName: 'a\u0000b',
    })
    expect(answer.status).toBe(400)
    expect(answer.body.code).toBe('invalid-request')
    expect(answer.body.errors?.map(({ path }) => path)).toEqual(['email', 'password', 'displayName'])
    expect(JSON.stringify(answer.body)).not.toContain('secret7')
  })

  it('bounds a field before it looks at it', async () => {
    const answer = await fixture.post<ProblemBody>('/v1/auth/register', {
      email: `${'a'.repeat(60_000)}@example.org`,
      password,
      displayName: 'Ana',
    })
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toHaveLength(1)
  })

  it('keeps the password as a hash only', async () => {
    const { user } = await fixture.person()
    const rows = await fixture.query<{ row: string }>(
      'select credentials::text as row from credentials where account_id = $1',
      [user.id],
    )
    expect(rows[0]?.row).toContain('$argon2id$')
    expect(rows[0]?.row).not.toContain(password)
  })
})

describe('login', () => {
  it('starts another session of the same person', async () => {
    const person = await fixture.person()
    const answer = await fixture.post('/v1/auth/login', {
      email: ` ${person.user.email.toUpperCase()} `,
      password,
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ user: person.user, ...tokens })
    expect(answer.body.refreshToken).not.toBe(person.refreshToken)
  })

  it('accepts a password in either Unicode form', async () => {
    const email = 'cafe@example.org'
    await fixture.post('/v1/auth/register', { email, password: 'café café', displayName: 'C' })
    const answer = await fixture.post('/v1/auth/login', { email, password: 'cafe\u0301 cafe\u0301' })
    expect(answer.status).toBe(200)
  })

  it('answers a wrong password, an unknown address and what is no address alike', async () => {
    const { user } = await fixture.person()
    const answers = await Promise.all(
      [user.email, 'nobody@example.org', 'no address', ''].map((email) =>
        fixture.post<ProblemBody & { instance?: string }>('/v1/auth/login', {
          email,
          password: 'wrong password',
        }),
      ),
    )
    for (const { status, body } of answers) {
      expect(status).toBe(401)
      expect({ ...body, instance: '' }).toEqual({ ...answers[0]?.body, instance: '' })
      expect(body.code).toBe('invalid-credentials')
    }
  })

  it('clears away expired sessions of the account', async () => {
    const { user } = await fixture.person()
    fixture.pass(31 * 24 * 3_600_000)
    await fixture.post('/v1/auth/login', { email: user.email, password })
    const sessions = await fixture.query('select id from sessions where account_id = $1', [user.id])
    expect(sessions).toHaveLength(1)
  })
})

describe('password hashing', () => {
  it('of 50 sign-ins at once runs two at a time, and refuses with 503 what the queue does not hold', async () => {
    let [running, most, total] = [0, 0, 0]
    const counted = async <T>(work: () => Promise<T>): Promise<T> => {
      total++
      most = Math.max(most, ++running)
      return work().finally(() => running--)
    }
    const bounded = await openAuthFixture(
      { PASSWORD_HASH_CONCURRENCY: 2, PASSWORD_HASH_QUEUE: 8 },
      {
        hashFunction: {
          hash: (text) => counted(() => argon2id.hash(text)),
          verify: (hashed, text) => counted(() => argon2id.verify(hashed, text)),
        },
      },
    )
    try {
      const { user } = await bounded.person()
      total = 0
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          // Known or not, an address takes its place in the queue.
          bounded.post<Partial<ProblemBody>>('/v1/auth/login', {
            email: i % 2 === 0 ? user.email : `nobody${i}@example.org`,
            password,
          }),
        ),
      )
      const busy = answers.filter(({ status }) => status === 503)
      expect(most).toBe(2)
      expect(busy.length).toBeGreaterThan(0)
      expect(total).toBe(50 - busy.length)
      expect(total).toBeGreaterThanOrEqual(10)
      for (const answer of busy) {
        expect(answer.body.code).toBe('busy')
        expect(answer.headers.get('retry-after')).toBe('1')
      }
      for (const [i, { status }] of answers.entries())
        expect([i % 2 === 0 ? 200 : 401, 503]).toContain(status)
      expect(running).toBe(0)
      expect((await bounded.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
    } finally {
      await bounded.close()
    }
  })
})
