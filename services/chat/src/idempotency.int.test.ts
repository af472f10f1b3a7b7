import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ChatUnderTest,
  chatUnderTest,
  type ProblemBody,
  type RoomBody,
} from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

describe('a write that comes again under its Idempotency-Key', () => {
  it('gets the first answer: one room, one invitation', async () => {
    const [ana, bob] = [await veza.person(), await veza.person()]
    const create = (name: string, key: string) =>
      ana.call<RoomBody & ProblemBody>(
        ...(['POST', '/v1/rooms', { name, visibility: 'private' }, { 'idempotency-key': key }] as const),
      )
    const first = await create('Ambient', 'one')
    const again = await create('Ambient', 'one')
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect((await create('Ambient', 'two')).body.id).not.toBe(first.body.id)
    expect(await create('Techno', 'one')).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    })
    const { body } = await ana.call<{ rooms: RoomBody[] }>('GET', '/v1/rooms')
    expect(body.rooms).toHaveLength(2)

    const members = `/v1/rooms/${first.body.id}/members`
    const add = () => ana.call('POST', members, { userId: bob.userId }, { 'idempotency-key': 'bob' })
    expect((await add()).status).toBe(200)
    expect((await bob.call('DELETE', `${members}/me`)).status).toBe(204)
    expect((await add()).headers.get('idempotency-replayed')).toBe('true')
    expect((await bob.call('GET', members)).status).toBe(404)
  })
})
