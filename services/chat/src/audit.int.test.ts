import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatUnderTest, chatUnderTest } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe("chat's part of the audit", () => {
  interface Entry {
    type: string
    userId: string | null
    actor: string
    address: string | null
    traceId: string
    details: Record<string, unknown>
  }

  it('tells what moderators did, to whom, from where, and keeps no address that can be read', async () => {
    const [ana, bob] = [await veza.person(), await veza.person()]
    const [roomId, from] = [await ana.createRoom('public'), '203.0.113.9']
    await bob.call('POST', `/v1/rooms/${roomId}/members`, {})
    const moderate = (method: string, path: string, body?: unknown) =>
      veza.chat.app.request(
        `/v1/rooms/${roomId}/${path}`,
        {
          method,
          headers: { authorization: `Bearer ${ana.token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        { incoming: { socket: { remoteAddress: from } } },
      )
    await moderate('PUT', `members/${bob.userId}/mute`, { seconds: 60 })
    await moderate('PUT', 'blocked-words', { words: ['spoiler'] })
    await moderate('PUT', `bans/${bob.userId}`)
    const ask = (query: string) =>
      veza.internally<{ entries: Entry[] }>('GET', `/internal/v1/chat/audit?limit=50&${query}`)
    const { entries } = (await ask(`names=${roomId}&actor=${ana.userId}`)).body
    expect(entries.map(({ type, userId, address }) => [type, userId, address])).toEqual([
      ['MemberBanned', bob.userId, from],
      ['MemberLeft', bob.userId, from],
      ['WordsBlocked', null, from],
      ['MemberMuted', bob.userId, from],
      ['MemberJoined', ana.userId, null],
      ['RoomCreated', null, null],
    ])
    expect(entries[2]?.details).toMatchObject({ roomId, words: ['spoiler'] })
    for (const { traceId } of entries) expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    const about = (await ask(`names=${bob.userId}&type=MemberBanned,MemberMuted`)).body.entries
    expect(about.map(({ type }) => type)).toEqual(['MemberBanned', 'MemberMuted'])
    const kept = await sql<{ n: number }>`
      select count(*) as n from events.events where address like '%203.0.113.9%'`.execute(veza.database.db)
    expect(kept.rows).toEqual([{ n: 0 }])
    expect((await veza.internally('GET', '/internal/v1/chat/audit?limit=5', undefined, 'no')).status).toBe(
      401,
    )
  })
})
