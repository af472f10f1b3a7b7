import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ChatUnderTest, chatUnderTest } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

it('describes itself', () => {
  const document = veza.chat.app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'chat', version: '1' },
  })
  expect(Object.keys(document.paths ?? {})).toEqual([
    '/v1/rooms',
    '/v1/rooms/direct',
    '/v1/rooms/{roomId}',
    '/v1/rooms/{roomId}/members',
    '/v1/rooms/{roomId}/members/me',
    '/v1/rooms/{roomId}/read',
    '/v1/rooms/{roomId}/members/{userId}',
    '/v1/rooms/{roomId}/bans/{userId}',
    '/v1/rooms/{roomId}/invitations/{userId}',
    '/v1/rooms/{roomId}/members/{userId}/role',
    '/v1/rooms/{roomId}/members/{userId}/mute',
    '/v1/rooms/{roomId}/blocked-words',
    '/v1/blocked-words',
    '/v1/rooms/{roomId}/bans',
    '/v1/invitations',
    '/v1/rooms/{roomId}/messages/{messageId}/report',
    '/v1/rooms/{roomId}/messages/{messageId}/reports/dismissal',
    '/v1/rooms/{roomId}/reports',
    '/v1/rooms/{roomId}/messages',
    '/v1/rooms/{roomId}/messages/{messageId}',
    '/v1/rooms/{roomId}/messages/{messageId}/reactions/{reaction}',
    '/v1/rooms/{roomId}/messages/{messageId}/thread',
    '/v1/search',
    '/v1/notifications',
  ])
})

it('is ready while its database answers', async () => {
  expect(await veza.chat.checks['chat-database']?.()).toBeUndefined()
})
