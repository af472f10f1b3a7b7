import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatUnderTest, chatUnderTest } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe("chat's part of a copy", () => {
  it('has what somebody wrote in every room they ever were in, and nothing of others', async () => {
    const [ana, bob] = [await veza.person(), await veza.person()]
    const [stayed, left] = [await ana.createRoom('public', 'stayed'), await ana.createRoom('public', 'left')]
    for (const roomId of [stayed, left]) {
      await bob.call('POST', `/v1/rooms/${roomId}/members`, {})
      await veza.say(roomId, bob.userId, [`bob in ${roomId}`])
      await veza.say(roomId, ana.userId, [`ana in ${roomId}`])
    }
    const [outcome] = await veza.say(stayed, ana.userId, ['to be reported'])
    await bob.call('PUT', `/v1/rooms/${stayed}/messages/${outcome?.eventId ?? ''}/report`, { reason: 'rude' })
    await bob.call('PUT', `/v1/rooms/${stayed}/read`, { messageNumber: 2 })
    await bob.call('DELETE', `/v1/rooms/${left}/members/me`)

    const seen = [{ userId: bob.userId, at: 1_700_000_000_000 }]
    await veza.internally('PUT', '/internal/v1/last-seen', { seen })
    const path = `/internal/v1/chat/personal-data/${bob.userId}`
    const { status, body } = await veza.internally<{
      messages: { roomId: string; body: string }[]
      memberships: object[]
      reports: object[]
      lastSeen: string | null
      history: { what: string; byYou: boolean }[]
    }>('GET', path)
    expect(status).toBe(200)
    expect(body.messages.map(({ body: text }) => text)).toEqual(
      [stayed, left].sort().map((roomId) => `bob in ${roomId}`),
    )
    expect(body.memberships).toMatchObject([
      { roomId: stayed, name: 'stayed', role: 'member', readNumber: 2 },
    ])
    expect(body.reports).toMatchObject([{ roomId: stayed, messageId: outcome?.eventId, reason: 'rude' }])
    expect(body.lastSeen).toBe('2023-11-14T22:13:20.000Z')
    expect(body.history.map(({ what, byYou }) => [what, byYou])).toEqual([
      ['MemberLeft', true],
      ['MessageReported', true],
      ['MemberJoined', true],
      ['MemberJoined', true],
    ])
    expect((await veza.internally('GET', path, undefined, 'another')).status).toBe(401)
  })
})
