import { expect, inject, it } from 'vitest'
import { register, request } from '../support/api.ts'
import { connect, roomOf } from './people.ts'

const waiting = { timeout: 30_000 }

it('tells people at once, on all their devices, of mentions, letters, invitations and what they have read', async () => {
  const { http } = inject('veza')
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const phone = await connect(bob.person)
  const by = (who: typeof ann.person, method: string, path: string, body?: object) =>
    request(http, method, path, { token: who.token, body })
  const inboxOf = async (who: typeof ann.person) =>
    ((await by(who, 'GET', '/v1/notifications')).body as { counts: object }).counts

  const told = (type: string, about: string) =>
    phone.notices.find((notice) => notice.type === type && notice.roomId === about)
  const seenBefore: string[][] = []
  bob.sdk.client.on('publication', ({ data }) => {
    if ((data as { type: string }).type === 'mention')
      seenBefore.push(bob.room.seen.map(({ clientMessageId }) => clientMessageId))
  })

  await ann.room.post('before', 'nobody in particular')
  await ann.room.subscription.publish({
    ...{ type: 'message.post', clientMessageId: 'm', body: 'Bob?', mentions: [bob.person.id] },
  })
  await expect.poll(() => told('mention', roomId), waiting).toBeDefined()
  // Told behind its message, to one who follows the room.
  await expect.poll(() => seenBefore, waiting).toEqual([['before', 'm']])
  expect(told('mention', roomId)).toMatchObject({
    ...{ roomId, senderId: ann.person.id, messageId: bob.room.seen[1]?.messageId, messageNumber: 2 },
    ...{ unread: { messages: 2, mentions: 1 }, counts: { mentions: 1, directMessages: 0, invitations: 0 } },
  })

  const direct = (await by(ann.person, 'POST', '/v1/rooms/direct', { userId: bob.person.id })).body as {
    id: string
  }
  await by(ann.person, 'POST', `/v1/rooms/${direct.id}/messages`, { clientMessageId: 'd', body: 'psst' })
  await expect.poll(() => told('direct-message', direct.id), waiting).toBeDefined()
  const { id: closed } = (
    await by(ann.person, 'POST', '/v1/rooms', { name: 'closed', visibility: 'private' })
  ).body as { id: string }
  await by(ann.person, 'PUT', `/v1/rooms/${closed}/invitations/${bob.person.id}`)
  await expect
    .poll(() => told('invitation', closed), waiting)
    .toMatchObject({
      senderId: ann.person.id,
      counts: { mentions: 1, directMessages: 1, invitations: 1 },
    })
  expect(await inboxOf(bob.person)).toEqual({ mentions: 1, directMessages: 1, invitations: 1 })

  // Read here by one road, there by the other.
  expect((await by(bob.person, 'PUT', `/v1/rooms/${roomId}/read`, { messageNumber: 2 })).status).toBe(200)
  const marked = await bob.sdk.client.rpc('mark-read', { channel: `room:${direct.id}`, messageNumber: 1 })
  expect(marked.data).toEqual({ readNumber: 1, messages: 0, mentions: 0 })
  await expect
    .poll(() => told('read', direct.id), waiting)
    .toMatchObject({
      ...{ messageNumber: 1, unread: { messages: 0, mentions: 0 } },
      counts: { mentions: 0, directMessages: 0, invitations: 1 },
    })
  await expect.poll(() => phone.notices.at(-1)?.counts, waiting).toEqual(await inboxOf(bob.person))
  const [first] = phone.notices
  const sameOn = (device: typeof phone) =>
    device.notices.filter(({ offset }) => offset >= (first?.offset ?? 0))
  await expect.poll(() => sameOn(bob.sdk), waiting).toEqual(phone.notices)
  const offsets = phone.notices.map(({ offset }) => offset)
  expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index))
  for (const method of ['not-there', 'mark-read'])
    await expect(bob.sdk.client.rpc(method, { channel: 'room:x' })).rejects.toBeDefined()
})

it('recovers what a device missed while it was away, once and in order', async () => {
  const { http } = inject('veza')
  const [ann, bob] = await Promise.all([register(http, 'Ann'), register(http, 'Bob')])
  const direct = (
    await request(http, 'POST', '/v1/rooms/direct', { token: ann.token, body: { userId: bob.id } })
  ).body as { id: string }
  const sdk = await connect(bob)
  // That he is in the room comes by another topic: anywhere between them.
  const last = ({ notices }: typeof sdk) => notices.findLast(({ type }) => type === 'direct-message')
  const write = (n: number) =>
    request(http, 'POST', `/v1/rooms/${direct.id}/messages`, {
      token: ann.token,
      body: { clientMessageId: `letter ${n}`, body: 'psst' },
    })
  await write(1)
  await expect.poll(() => last(sdk)?.messageNumber, waiting).toBe(1)

  // A second device sees when it is stored, whether or not the first one is back by then.
  const witness = await connect(bob)
  sdk.cut()
  for (let n = 2; n <= 6; n++) await write(n)
  await expect.poll(() => last(witness)?.messageNumber, waiting).toBe(6)
  await expect.poll(() => sdk.own.length, waiting).toBeGreaterThan(1)
  await expect.poll(() => last(sdk)?.messageNumber, waiting).toBe(6)
  expect(sdk.own.at(-1)).toEqual({ wasRecovering: true, recovered: true })
  const offsets = sdk.notices.map(({ offset }) => offset)
  expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index))
  expect(last(sdk)?.counts).toEqual({ mentions: 0, directMessages: 6, invitations: 0 })
})
