import { openCaches } from '@veza/kit/cache'
import { expect, it, onTestFinished } from 'vitest'
import { roomStore, streamOf } from './adapters/rooms.ts'
import { changeRoom } from './commands/change-room.ts'
import { chatUnderTest } from './testing/chat-under-test.ts'

it('with caches nobody reads a room any longer than their process is told that they left it', async () => {
  // A clock that stands still: nothing is forgotten for its age.
  const caches = openCaches({ now: () => 0 })
  caches.told()
  const veza = await chatUnderTest({}, { caches })
  onTestFinished(() => veza.close())
  const [ana, ben, eve] = [await veza.person(), await veza.person(), await veza.person()]
  const roomId = await ana.createRoom('private')
  const path = `/v1/rooms/${roomId}/messages`
  const post = { clientMessageId: '1', body: 'hello' }
  const reads = async (person = ben) => (await person.call('GET', path)).status
  expect(await reads()).toBe(404)
  const add = (userId: string) => ana.call('POST', `/v1/rooms/${roomId}/members`, { userId })
  expect((await add(ben.userId)).status).toBeLessThan(300)
  expect(await reads()).toBe(200)
  expect((await ben.call('POST', path, post)).status).toBe(202)

  // As another process, which this one hears nothing of yet.
  const elsewhere = changeRoom(roomStore(veza.database.db, veza.store), () => new Date())
  const about = (type: 'add-member' | 'remove-member', userId: string) =>
    elsewhere(roomId, { type, actorId: ana.userId, userId }, {})
  const told = async (userId: string) => {
    const version = await veza.store.currentVersion(veza.database.db, streamOf(roomId))
    caches.changed([{ tag: `membership:${roomId}/${userId}`, version }])
  }
  await about('remove-member', ben.userId)
  expect(await reads()).toBe(200)
  await told(ben.userId)
  expect(await reads()).toBe(404)
  expect((await ben.call('POST', path, post)).status).toBe(404)

  // Whoever was turned away before they were let in is let in at once, heard of or not: here a private room, to read…
  expect(await reads(eve)).toBe(404)
  await about('add-member', eve.userId)
  expect(await reads(eve)).toBe(200)
  // …and a public one, to post.
  const open = await ana.createRoom('public')
  const posts = async () => (await eve.call('POST', `/v1/rooms/${open}/messages`, post)).status
  expect(await posts()).toBe(403)
  await elsewhere(open, { type: 'add-member', actorId: eve.userId, userId: eve.userId }, {})
  expect(await posts()).toBe(202)

  // In the process that takes the change nobody needs to be told.
  expect((await ana.call('DELETE', `/v1/rooms/${roomId}/members/${eve.userId}`)).status).toBeLessThan(300)
  expect(await reads(eve)).toBe(404)
})
