import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthFixture, type AuthFixture, type ProblemBody, type Sender } from './testing/auth-fixture.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

interface Listed {
  sessions: { id: string; current: boolean; address: string | null; client: string | null; method: string }[]
}

const sessions = async (accessToken: string) =>
  (await fixture.get<Listed>('/v1/auth/sessions', accessToken)).body.sessions
const remove = (path: string, accessToken: string) =>
  fixture.send<ProblemBody | undefined>('DELETE', path, undefined, { accessToken })
const refresh = (refreshToken: string) => fixture.post<ProblemBody>('/v1/auth/refresh', { refreshToken })

/** A person who is signed in twice. */
const twice = async (by: Sender = {}) => {
  const here = await fixture.person()
  fixture.pass(1_000)
  const { body: there } = await fixture.post(
    '/v1/auth/login',
    { email: here.user.email, password: here.password },
    by,
  )
  return { here, there }
}

const revocations = (userId: string) =>
  fixture.query<{ type: string; actor: string; address: string | null }>(
    `select type, actor, address from events.events where key = $1 and type = 'SessionRevoked' order by position`,
    [userId],
  )

describe("a person's sessions", () => {
  it('are listed with where they are, the one that asks marked', async () => {
    const { here } = await twice({ address: '203.0.113.9', client: 'Veza for Android/2.1' })
    expect(await sessions(here.accessToken)).toEqual([
      expect.objectContaining({
        current: false,
        address: '203.0.113.9',
        client: 'Veza for Android/2.1',
        method: 'password',
      }) as unknown,
      expect.objectContaining({
        current: true,
        address: null,
        client: null,
        method: 'registration',
      }) as unknown,
    ])
  })

  it('are revoked one by one, as an event that says who did it', async () => {
    const { here, there } = await twice()
    const other = (await sessions(here.accessToken)).find(({ current }) => !current)
    expect((await remove(`/v1/auth/sessions/${other?.id ?? ''}`, here.accessToken)).status).toBe(204)
    expect((await refresh(there.refreshToken)).body.code).toBe('invalid-refresh-token')
    expect((await refresh(here.refreshToken)).status).toBe(200)
    expect(await sessions(here.accessToken)).toHaveLength(1)
    expect((await fixture.get<ProblemBody>('/v1/auth/sessions', there.accessToken)).body.code).toBe(
      'session-ended',
    )
    expect(await revocations(here.user.id)).toEqual([
      { type: 'SessionRevoked', actor: here.user.id, address: null },
    ])
    expect((await remove(`/v1/auth/sessions/${other?.id ?? ''}`, here.accessToken)).status).toBe(404)
  })

  it('are ended all at once, here too', async () => {
    const { here, there } = await twice()
    expect((await remove('/v1/auth/sessions', there.accessToken)).status).toBe(204)
    for (const { refreshToken } of [here, there])
      expect((await refresh(refreshToken)).body.code).toBe('invalid-refresh-token')
    expect(await revocations(here.user.id)).toHaveLength(2)
  })

  it("are nobody else's business", async () => {
    const ann = await fixture.person()
    const eve = await fixture.person()
    const [session] = await sessions(ann.accessToken)
    for (const id of [session?.id ?? '', randomUUID()])
      expect((await remove(`/v1/auth/sessions/${id}`, eve.accessToken)).body?.code).toBe('no-such-session')
    expect((await remove('/v1/auth/sessions/42', eve.accessToken)).status).toBe(400)
    expect((await refresh(ann.refreshToken)).status).toBe(200)
  })

  it('end once, whoever ends them at once', async () => {
    const { here, there } = await twice()
    await Promise.all([
      fixture.post('/v1/auth/logout', { refreshToken: there.refreshToken }),
      remove('/v1/auth/sessions', here.accessToken),
      remove('/v1/auth/sessions', there.accessToken),
    ])
    expect(await revocations(here.user.id)).toHaveLength(2)
  })

  it('keep addresses and programs sealed', async () => {
    const { here } = await twice({ address: '203.0.113.77', client: 'Secret Agent/7' })
    const rows = await fixture.query<{ row: string }>(
      `select e::text as row from events.events as e where key = $1
       union all select s::text from sessions as s where account_id = $2`,
      [here.user.id, here.user.id],
    )
    expect(rows.length).toBeGreaterThan(3)
    for (const { row } of rows)
      for (const secret of ['203.0.113.77', 'Secret Agent/7']) {
        expect(row).not.toContain(secret)
        expect(row).not.toContain(Buffer.from(secret).toString('hex'))
        expect(row).not.toContain(Buffer.from(secret).toString('base64'))
      }
  })
})
