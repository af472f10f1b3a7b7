import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeIdOf } from './store.ts'
import { type ChatUnderTest, chatUnderTest, type RoomBody } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('moderation', () => {
  it('changes a room by its owner and moderators, and keeps who did what', async () => {
    const [ana, ben, cleo] = [await veza.person(), await veza.person(), await veza.person()]
    const room = await ana.createRoom('private')
    const at = (path: string) => `/v1/rooms/${room}${path}`
    const status = async (by: typeof ana, method: string, path: string, body?: unknown) =>
      (await by.call(method, at(path), body)).status

    expect(await status(ana, 'PUT', `/invitations/${ben.userId}`)).toBe(204)
    const invitations = await ben.call<{ invitations: object[] }>('GET', '/v1/invitations')
    expect(invitations.body.invitations).toMatchObject([
      { roomId: room, roomName: 'Ambient', invitedBy: ana.userId },
    ])
    expect((await ben.call<RoomBody>('GET', at(''))).body.role).toBeNull()
    expect((await ben.call('GET', at('/messages'))).body.code).toBe('room-not-found')
    expect(await status(ben, 'POST', '/members', {})).toBe(200)
    expect((await ben.call<{ invitations: object[] }>('GET', '/v1/invitations')).body.invitations).toEqual([])

    expect(await status(ana, 'PUT', `/members/${ben.userId}/role`, { role: 'moderator' })).toBe(204)
    expect(await status(ana, 'POST', '/members', { userId: cleo.userId })).toBe(200)
    expect(await status(cleo, 'PUT', `/bans/${ben.userId}`)).toBe(403)
    expect(await status(ben, 'PUT', `/members/${cleo.userId}/mute`, { seconds: 60 })).toBe(204)
    const { members } = (
      await ana.call<{ members: { userId: string; mutedUntil: string | null }[] }>('GET', at('/members'))
    ).body
    expect(members.find((member) => member.userId === cleo.userId)?.mutedUntil).not.toBeNull()
    expect(await status(ben, 'PATCH', '', { slowModeSeconds: 30 })).toBe(204)
    expect(await status(ben, 'PATCH', '', { archived: true })).toBe(403)
    expect((await ben.call<object>('GET', at(''))).body).toMatchObject({
      slowModeSeconds: 30,
      archivedAt: null,
    })
    expect(await status(ben, 'PUT', '/blocked-words', { words: [' SPAM ', 'spam'] })).toBe(204)
    expect((await ben.call<object>('GET', at('/blocked-words'))).body).toEqual({ words: ['spam'] })
    expect(await status(cleo, 'GET', '/blocked-words')).toBe(403)

    await veza.say(room, ana.userId, ['rude'])
    const messageId = outcomeIdOf(room, ana.userId, 'rude')
    expect(await status(cleo, 'PUT', `/messages/${randomUUID()}/report`, { reason: 'x' })).toBe(404)
    for (let i = 0; i < 2; i++)
      expect(await status(cleo, 'PUT', `/messages/${messageId}/report`, { reason: 'rude' })).toBe(204)
    expect((await ben.call<object>('GET', at('/reports'))).body).toMatchObject({
      reports: [{ messageId, reporterId: cleo.userId, reason: 'rude' }],
    })
    expect(await status(cleo, 'GET', '/reports')).toBe(403)

    const dismissal = `/messages/${messageId}/reports/dismissal`
    expect(await status(cleo, 'PUT', dismissal, {})).toBe(403)
    expect(await status(ben, 'PUT', `/messages/${randomUUID()}/reports/dismissal`, {})).toBe(404)
    expect(await status(ben, 'PUT', dismissal, { note: 'x'.repeat(1_001) })).toBe(400)
    for (const note of ['A quotation', 'Again'])
      expect(await status(ben, 'PUT', dismissal, { note })).toBe(204)
    expect((await ben.call<object>('GET', at('/reports'))).body).toEqual({ reports: [] })
    expect(await status(cleo, 'PUT', `/messages/${messageId}/report`, { reason: 'rude' })).toBe(204)
    expect((await ben.call<{ reports: object[] }>('GET', at('/reports'))).body.reports).toHaveLength(1)

    for (let i = 0; i < 2; i++) expect(await status(ben, 'PUT', `/bans/${cleo.userId}`)).toBe(204)
    expect((await ben.call<object>('GET', at('/bans'))).body).toMatchObject({
      bans: [{ userId: cleo.userId }],
      next: null,
    })
    expect(await status(cleo, 'GET', '')).toBe(404)
    expect(await status(ana, 'POST', '/members', { userId: cleo.userId })).toBe(403)
    expect(await status(ben, 'DELETE', `/bans/${cleo.userId}`)).toBe(204)
    expect(await status(ben, 'PUT', `/invitations/${cleo.userId}`)).toBe(204)
    expect(await status(cleo, 'DELETE', `/invitations/${cleo.userId}`)).toBe(204)
    expect(await status(ana, 'DELETE', `/members/${ben.userId}`)).toBe(204)
    expect(await status(ana, 'PATCH', '', { archived: true })).toBe(204)

    const audit = await veza.auditOf(room)
    expect(audit.map((event) => event.type)).toEqual([
      'RoomCreated',
      'MemberJoined',
      'MemberInvited',
      'MemberJoined',
      'MemberRoleChanged',
      'MemberJoined',
      'MemberMuted',
      'RoomSettingsChanged',
      'WordsBlocked',
      'MessageReported',
      'MessageReportsDismissed',
      'MessageReported',
      'MemberLeft',
      'MemberBanned',
      'BanLifted',
      'MemberInvited',
      'InvitationWithdrawn',
      'MemberLeft',
      'RoomSettingsChanged',
    ])
    expect(audit[10]).toMatchObject({ actor: ben.userId, value: { messageId, note: 'A quotation' } })
    expect(audit[12]).toMatchObject({
      actor: ben.userId,
      value: { roomId: room, actorId: ben.userId, userId: cleo.userId, how: 'banned' },
    })
    expect(JSON.stringify(audit)).not.toContain('rude')
  })

  it('lets moderators of Veza block words in every room, and nobody else', async () => {
    const [mod, ana] = [await veza.person(['moderator']), await veza.person()]
    expect((await ana.call('PUT', '/v1/blocked-words', { words: [] })).body.code).toBe('not-moderator')
    expect((await ana.call('GET', '/v1/blocked-words')).status).toBe(403)
    expect((await mod.call('PUT', '/v1/blocked-words', { words: ['unspeakable'] })).status).toBe(204)
    expect((await mod.call<object>('GET', '/v1/blocked-words')).body).toEqual({ words: ['unspeakable'] })
    for (const words of [[' '], ['x'.repeat(65)], ['a\nb'], 'spam', [1]])
      expect((await mod.call('PUT', '/v1/blocked-words', { words })).status).toBe(400)
    expect((await mod.call('PUT', '/v1/blocked-words', { words: [] })).status).toBe(204)
  })

  it('decides alone with a room, so that two at once can’t both be right', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const room = await ana.createRoom('public')
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => ben.call('POST', `/v1/rooms/${room}/members`, {})),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
    expect((await veza.auditOf(room)).map(({ type }) => type)).toEqual([
      'RoomCreated',
      'MemberJoined',
      'MemberJoined',
    ])
  })
})
