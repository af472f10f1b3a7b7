import { expect, inject, it } from 'vitest'
import { createRoom, register, request } from '../support/api.ts'
import { encodeCommand, openCodec, openKafka, putCommand } from './kafka.ts'
import { connect, history, roomOf } from './people.ts'

it('lets two people talk, who see the same messages in the same order', async () => {
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')

  for (let turn = 0; turn < 10; turn++) {
    await ann.room.post(`a${turn}`, `Ann says ${turn}`)
    await bob.room.post(`b${turn}`, `Bob says ${turn} – 日本語, עברית, 🎶`)
  }

  await expect.poll(() => ann.room.seen.length, { timeout: 20_000 }).toBe(20)
  await expect.poll(() => bob.room.seen.length, { timeout: 20_000 }).toBe(20)
  const withoutTime = (seen: typeof ann.room.seen) => seen.map((publication) => ({ ...publication, at: 0 }))
  expect(withoutTime(bob.room.seen)).toEqual(withoutTime(ann.room.seen))
  expect(ann.room.seen.map(({ offset }) => offset)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  )
  expect(ann.room.seen.map(({ messageNumber }) => messageNumber)).toEqual(
    ann.room.seen.map(({ offset }) => offset),
  )
  expect(ann.room.seen.find(({ clientMessageId }) => clientMessageId === 'b3')).toMatchObject({
    type: 'message.posted',
    senderId: bob.person.id,
    body: 'Bob says 3 – 日本語, עברית, 🎶',
  })

  const published = ann.room.seen.map(({ offset, messageId, body }) => ({ offset, messageId, body }))
  expect(await history(bob.person, roomId)).toMatchObject(published)
})

it('delivers what was posted over HTTP, and answers with the message id that everybody sees', async () => {
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')

  const answer = await request(inject('veza').http, 'POST', `/v1/rooms/${roomId}/messages`, {
    token: bob.person.token,
    body: { clientMessageId: 'over-http', body: 'hello' },
  })

  expect(answer.status).toBe(202)
  await expect
    .poll(() => ann.room.seen, { timeout: 20_000 })
    .toMatchObject([{ offset: 1, clientMessageId: 'over-http', body: 'hello', senderId: bob.person.id }])
  expect(ann.room.seen[0]?.messageId).toBe((answer.body as { messageId: string }).messageId)
})

it('stores and delivers once what is sent again, by either road', async () => {
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')

  for (let attempt = 0; attempt < 3; attempt++) await bob.room.post('same', 'once')
  await request(inject('veza').http, 'POST', `/v1/rooms/${roomId}/messages`, {
    token: bob.person.token,
    body: { clientMessageId: 'same', body: 'once' },
  })
  await ann.room.post('after', 'the end')

  await expect.poll(() => ann.room.seen.at(-1)?.clientMessageId, { timeout: 20_000 }).toBe('after')
  expect(ann.room.seen.map(({ clientMessageId }) => clientMessageId)).toEqual(['same', 'after'])
  expect((await history(ann.person, roomId)).map(({ clientMessageId }) => clientMessageId)).toEqual([
    'same',
    'after',
  ])
})

it('refuses at the edge whoever is not in the room', async () => {
  const { http } = inject('veza')
  const [owner, stranger] = await Promise.all([register(http, 'Owner'), register(http, 'Stranger')])
  const roomId = await createRoom(http, owner, 'not yours')
  const sdk = await connect(stranger)

  const denied = { code: 103 }
  await expect(
    sdk.client.publish(`room:${roomId}`, { type: 'message.post', clientMessageId: '1', body: 'let me in' }),
  ).rejects.toMatchObject(denied)
  await expect(sdk.listen(roomId)).rejects.toThrow()
  const answer = await request(http, 'POST', `/v1/rooms/${roomId}/messages`, {
    token: stranger.token,
    body: { clientMessageId: '1', body: 'let me in' },
  })
  expect(answer).toMatchObject({ status: 403, body: { code: 'not-a-member' } })
  expect(await history(owner, roomId)).toEqual([])
})

it('tells the sender of a command that only the worker could refuse', async () => {
  const {
    roomId,
    people: [ann],
  } = await roomOf('Ann')
  const left = await register(inject('veza').http, 'Left')
  const sdk = await connect(left)

  // As if membership had ended after the edge looked.
  const command = { roomId, senderId: left.id, clientMessageId: 'too-late', body: 'still there?' }
  await putCommand(openKafka(), roomId, encodeCommand(await openCodec(), command))

  await expect
    .poll(() => sdk.refusals, { timeout: 20_000 })
    .toEqual([{ type: 'rejected', roomId, clientMessageId: 'too-late', code: 'not-a-member' }])
  await ann.room.post('next', 'the room goes on')
  await expect
    .poll(() => ann.room.seen, { timeout: 20_000 })
    .toMatchObject([{ offset: 1, clientMessageId: 'next' }])
})

it('tells everybody of edits, reactions and deletions in one order, by either road, and forgets what is deleted', async () => {
  const { http } = inject('veza')
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const by = (person: typeof ann.person, method: string, path: string, body?: object) =>
    request(http, method, `/v1/rooms/${roomId}/messages${path}`, { token: person.token, body })

  await ann.room.post('first', 'hello')
  await expect.poll(() => bob.room.seen.length, { timeout: 20_000 }).toBe(1)
  const messageId = ann.room.seen[0]?.messageId ?? ''
  await ann.room.subscription.publish({
    type: 'message.edit',
    clientMessageId: 'e',
    messageId,
    body: 'a secret',
  })
  await bob.room.subscription.publish({
    type: 'reaction.add',
    clientMessageId: 'r',
    messageId,
    reaction: '🎧',
  })
  expect(
    (await by(bob.person, 'POST', '', { clientMessageId: 'reply', body: 'hi', replyTo: messageId })).status,
  ).toBe(202)
  // Not his: accepted by the edge, refused by the worker, told to him alone.
  await by(bob.person, 'PATCH', `/${messageId}`, { clientMessageId: 'forged', body: 'I was here' })
  await expect
    .poll(() => bob.sdk.refusals, { timeout: 20_000 })
    .toMatchObject([{ type: 'rejected', clientMessageId: 'forged', code: 'not-author' }])
  await by(ann.person, 'DELETE', `/${messageId}?clientMessageId=d`)

  await expect.poll(() => ann.room.events.length, { timeout: 20_000 }).toBe(5)
  await expect.poll(() => bob.room.events, { timeout: 20_000 }).toEqual(ann.room.events)
  expect(ann.room.events).toMatchObject([
    { offset: 1, type: 'message.posted', body: 'hello' },
    { offset: 2, type: 'message.edited', body: 'a secret' },
    { offset: 3, type: 'reaction.added', reaction: '🎧', count: 1, senderId: bob.person.id },
    { offset: 4, type: 'message.posted', replyTo: messageId, threadId: messageId, messageNumber: 2 },
    { offset: 5, type: 'message.deleted', messageId },
  ])
  expect(ann.sdk.refusals).toEqual([])

  // Whoever recovers now, from the ring of an edge or from the store, is told nothing of what it said.
  const { publications } = await bob.room.subscription.history({ limit: 10, since: { offset: 0, epoch: '' } })
  expect(publications).toHaveLength(5)
  expect(JSON.stringify(publications)).not.toMatch(/hello|secret/)
  expect(JSON.stringify(await history(bob.person, roomId))).not.toMatch(/hello|secret/)
})

it('shows a room no more to whoever is banned from it, at once, and keeps who did it', async () => {
  const { http } = inject('veza')
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const ended = new Promise<{ code: number }>((resolve) => bob.room.subscription.on('unsubscribed', resolve))

  const answer = await request(http, 'PUT', `/v1/rooms/${roomId}/bans/${bob.person.id}`, {
    token: ann.person.token,
  })

  expect(answer.status).toBe(204)
  expect(await ended).toMatchObject({ code: 2000 })
  await ann.room.post('after', 'without him')
  await expect.poll(() => ann.room.seen.length, { timeout: 20_000 }).toBe(1)
  expect(bob.room.seen).toEqual([])
  const bans = await request(http, 'GET', `/v1/rooms/${roomId}/bans`, { token: ann.person.token })
  expect(bans.body).toMatchObject({ bans: [{ userId: bob.person.id, bannedBy: ann.person.id }] })
})
