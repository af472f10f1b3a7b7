import { expect, it } from 'vitest'
import { roomOf } from './people.ts'

it('brings a client whose connection broke everything that it missed, once', async () => {
  const {
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  await ann.room.post('before', 'before')
  await expect.poll(() => bob.room.seen.length, { timeout: 20_000 }).toBe(1)

  let posted = 0
  for (let round = 0; round < 3; round++) {
    bob.sdk.cut()
    for (let message = 0; message < 20; message++) await ann.room.post(`m${posted++}`, 'meanwhile')
  }
  await ann.room.post('after', 'after')

  await expect.poll(() => bob.room.seen.at(-1)?.clientMessageId, { timeout: 30_000 }).toBe('after')
  expect(bob.room.seen.map(({ offset }) => offset)).toEqual(
    Array.from({ length: posted + 2 }, (_, index) => index + 1),
  )
  expect(bob.room.subscribed.length).toBeGreaterThan(1)
  expect(
    bob.room.subscribed.slice(1).every(({ wasRecovering, recovered }) => wasRecovering && recovered),
  ).toBe(true)
})

it('says so when a client was away for longer than can be recovered', async () => {
  const {
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  bob.sdk.client.disconnect()
  // 300 is the most that is recovered.
  for (let batch = 0; batch < 16; batch++)
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => ann.room.post(`m${batch * 20 + index}`, 'meanwhile')),
    )
  await expect.poll(() => ann.room.seen.length, { timeout: 30_000 }).toBe(320)

  bob.sdk.client.connect()
  await expect.poll(() => bob.room.subscribed.length, { timeout: 20_000 }).toBe(2)
  expect(bob.room.subscribed[1]).toEqual({ wasRecovering: true, recovered: false })
  await ann.room.post('after', 'after')
  await expect.poll(() => bob.room.seen, { timeout: 20_000 }).toMatchObject([{ offset: 321 }])
})
