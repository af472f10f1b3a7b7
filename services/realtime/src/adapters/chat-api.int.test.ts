import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatStub, startChatStub } from '../testing/chat-stub.ts'
import { createChatApi } from './chat-api.ts'

let chat: ChatStub
beforeAll(async () => {
  chat = await startChatStub()
})
afterAll(() => chat.close())

const client = (changed: { url?: string; serviceToken?: string; timeoutMs?: number } = {}) =>
  createChatApi({ url: `${chat.url}/`, serviceToken: chat.serviceToken, timeoutMs: 5000, ...changed })

describe('the client of chat’s internal API', () => {
  it('asks for access, heads and events', async () => {
    const [userId, stranger] = [randomUUID(), randomUUID()]
    const roomId = chat.addRoom([userId], 'e')
    const event = chat.store(roomId, userId, 'm1')
    const api = client()
    expect(api.reached).toBe(false)
    expect(
      await api.access([
        { roomId, userId },
        { roomId, userId: stranger },
      ]),
    ).toMatchObject([
      { exists: true, role: 'member', epoch: 'e', offset: 1 },
      { exists: true, role: null },
    ])
    expect(api.reached).toBe(true)
    expect(await api.heads([roomId, randomUUID()])).toEqual([{ roomId, epoch: 'e', offset: 1 }])
    expect(await api.events(roomId, 0, 10)).toMatchObject({
      epoch: 'e',
      offset: 1,
      events: [{ offset: 1, data: { messageId: event.messageId } }],
    })
    expect(await api.events(randomUUID(), 0, 10)).toBeUndefined()
  })

  it('rejects what is refused, and says which call it was', async () => {
    const api = client({ serviceToken: 'wrong' })
    await expect(api.access([])).rejects.toThrow('chat answered 401 to /internal/v1/access')
    await expect(api.events(randomUUID(), 0, 1)).rejects.toThrow('401')
    expect(api.reached).toBe(false)
  })

  it('rejects when there is no answer in time, or nobody at all', async () => {
    const answers: (() => void)[] = []
    chat.before = () => new Promise<void>((resolve) => answers.push(resolve))
    await expect(client({ timeoutMs: 20 }).heads([])).rejects.toThrow()
    chat.before = () => undefined
    for (const answer of answers) answer()
    await expect(client({ url: 'http://127.0.0.1:1' }).heads([])).rejects.toThrow()
  })
})
