import { expect, inject, it, onTestFinished } from 'vitest'
import { createRoom, join, type Person, register } from '../support/api.ts'
import { connectSdk } from '../support/sdk.ts'
import { helper } from '../stack/helper-server.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A room whose people are connected to these edges. */
const gather = async (edges: readonly (readonly string[])[]) => {
  const { http } = inject('veza')
  const people: Person[] = []
  for (const index of edges.keys()) people.push(await register(http, `Person ${index}`))
  const [owner] = people
  if (owner === undefined) throw new Error('nobody')
  const roomId = await createRoom(http, owner, 'at two edges')
  for (const person of people.slice(1)) await join(http, person, roomId)
  return Promise.all(
    people.map(async (person, index) => {
      const options = { minReconnectDelay: 20, maxReconnectDelay: 500 }
      const sdk = await connectSdk(edges[index] ?? [], person.token, options)
      onTestFinished(() => {
        sdk.close()
      })
      return { person, sdk, room: await sdk.listen(roomId) }
    }),
  )
}

it('shows the same room, in the same order, with the same people in it, at two edges', async () => {
  const { ws, otherWs } = inject('veza')
  const people = await gather([[ws], [otherWs], [ws], [otherWs]])
  await Promise.all(
    people.map(async ({ room }, index) => {
      for (let n = 0; n < 10; n++) await room.post(`${index}-${n}`, `message ${n} of ${index}`)
    }),
  )
  const orders = people.map(({ room }) => room.seen)
  for (const seen of orders) {
    await expect.poll(() => seen.map(({ offset }) => offset), { timeout: 20_000 }).toEqual(upTo(40))
    expect(seen.map(({ clientMessageId }) => clientMessageId)).toEqual(
      orders[0]?.map(({ clientMessageId }) => clientMessageId),
    )
  }
  for (const { room } of people)
    await expect
      .poll(() => room.subscription.presenceStats(), { timeout: 10_000 })
      .toMatchObject({ numClients: 4, numUsers: 4 })
})

it('sends its clients elsewhere when it is stopped, and they miss nothing', async () => {
  const { ws, otherWs, helper: url } = inject('veza')
  const stack = helper(url)
  const people = await gather([[ws], ...Array.from({ length: 12 }, () => [otherWs, ws])])
  const [ann, ...others] = people
  if (ann === undefined) throw new Error('nobody')

  const stop = { done: false }
  let posted = 0
  const traffic = (async () => {
    for (; !stop.done || posted < 50; posted++) await ann.room.post(`m${posted}`, 'while an edge goes away')
  })()
  const closedBy: number[] = []
  for (const { sdk } of others) sdk.client.on('connecting', ({ code }) => closedBy.push(code))
  await stack.act('realtime-2', 'stop')
  onTestFinished(() => stack.act('realtime-2', 'restart'))
  stop.done = true
  await traffic
  await ann.room.post('last', 'after it')

  for (const { room } of people) {
    await expect.poll(() => room.seen.at(-1)?.clientMessageId, { timeout: 30_000 }).toBe('last')
    expect(room.seen.map(({ offset }) => offset)).toEqual(upTo(posted + 1))
  }
  expect(closedBy.length).toBeGreaterThanOrEqual(others.length)
  expect(closedBy.filter((code) => code === 3001)).toHaveLength(others.length)
  for (const { room } of others)
    expect(room.subscribed.slice(1).every(({ wasRecovering, recovered }) => wasRecovering && recovered)).toBe(
      true,
    )
})
