import { randomUUID } from 'node:crypto'
import { type Centrifuge } from 'centrifuge'
import { expect, it, vi } from 'vitest'
import { hooks, connect, world } from './testing/sdk-clients.ts'

hooks()

const follow = async (client: Centrifuge, trackId: string) => {
  const sub = client.newSubscription(`track:${trackId}`)
  const counts: number[] = []
  sub.on('publication', ({ data }) => counts.push((data as { listeners: number }).listeners))
  sub.subscribe()
  await sub.ready(5000)
  return { sub, counts }
}
const waiting = { timeout: 20_000, interval: 20 }

it('tells at every edge how many people hear a track, from its first subscriber on', async () => {
  const [first, second] = [await world.edge(), await world.edge({ listeners: { ttlMs: 2_000 } })]
  const trackId = randomUUID()
  const [here, there] = [
    await follow(await connect(first.url, randomUUID()), trackId),
    await connect(second.url, randomUUID()),
  ]
  const other = await follow(there, trackId)
  expect(here.counts).toEqual([0])
  const [ana, ben] = [randomUUID(), randomUUID()]
  for (const listener of [ana, ana, ben]) await world.report(trackId, listener, 'playing')
  await world.report(randomUUID(), ana, 'playing')
  await vi.waitFor(() => {
    for (const { counts } of [here, other]) expect(counts).toContain(2)
  }, waiting)
  // Whoever comes later is told at once.
  const late = await follow(await connect(first.url, randomUUID()), trackId)
  expect(late.counts).toEqual([2])
  await world.report(trackId, ben, 'ended')
  await vi.waitFor(() => {
    expect(here.counts.at(-1)).toBe(1)
  }, waiting)
  // At the second edge reports count for a shorter time, and nobody sends more.
  await vi.waitFor(() => {
    expect(other.counts.at(-1)).toBe(0)
  }, waiting)
  expect(here.counts.at(-1)).toBe(1)
  other.sub.unsubscribe()
  await world.report(trackId, ben, 'playing')
  await vi.waitFor(() => {
    expect(here.counts.at(-1)).toBe(2)
  }, waiting)
  expect(other.counts.at(-1)).toBe(0)
})

it('does not tell of a track that is not for the one who asks, and takes nothing on its channel', async () => {
  const edge = await world.edge({ session: { maxSubscriptions: 2 } })
  const client = await connect(edge.url, randomUUID())
  const silent = randomUUID()
  world.silent.add(silent)
  const sub = client.newSubscription(`track:${silent}`)
  const refused = new Promise<number>((resolve) =>
    sub.on('unsubscribed', ({ code }) => {
      resolve(code)
    }),
  )
  sub.subscribe()
  expect(await refused).toBe(103)

  const { sub: followed } = await follow(client, randomUUID())
  await expect(followed.publish({ listeners: 1_000_000 })).rejects.toMatchObject({ code: 102 })
  await expect(followed.history({ limit: 1 })).rejects.toMatchObject({ code: 102 })
  await follow(client, randomUUID())
  const third = client.newSubscription(`track:${randomUUID()}`)
  const limited = new Promise<number>((resolve) =>
    third.on('unsubscribed', ({ code }) => {
      resolve(code)
    }),
  )
  third.subscribe()
  expect(await limited).toBe(106)
})

it('tells nobody any more who may not hear the track any more, for good, and goes on telling the others', async () => {
  const edge = await world.edge({ followersIntervalMs: 50 })
  const [trackId, userId] = [randomUUID(), randomUUID()]
  const [mine, theirs] = await Promise.all([
    connect(edge.url, userId).then((client) => follow(client, trackId)),
    connect(edge.url, randomUUID()).then((client) => follow(client, trackId)),
  ])
  const ended = new Promise<number>((resolve) =>
    mine.sub.on('unsubscribed', ({ code }) => {
      resolve(code)
    }),
  )
  world.silent.add(trackId + userId)
  expect(await ended).toBe(2000)
  await world.report(trackId, randomUUID(), 'playing')
  await vi.waitFor(() => {
    expect(theirs.counts.at(-1)).toBe(1)
  }, waiting)
  expect(mine.counts).toEqual([0])

  mine.sub.subscribe()
  await vi.waitFor(() => {
    expect(mine.sub.state).toBe('unsubscribed')
  }, waiting)
  // As soon as they may again, they are as before.
  world.silent.delete(trackId + userId)
  mine.sub.subscribe()
  await mine.sub.ready(5000)
  expect(mine.counts).toEqual([0, 1])
})

it('keeps everybody while tracks does not answer, and lets nobody in, until it answers', async () => {
  const edge = await world.edge({ followersIntervalMs: 20 })
  const [trackId, userId] = [randomUUID(), randomUUID()]
  const mine = await follow(await connect(edge.url, userId), trackId)
  const ended = new Promise<number>((resolve) =>
    mine.sub.on('unsubscribed', ({ code }) => {
      resolve(code)
    }),
  )
  const newcomer = (await connect(edge.url, randomUUID())).newSubscription(`track:${trackId}`, {
    minResubscribeDelay: 20,
  })
  const refused = new Promise<object>((resolve) =>
    newcomer.once('error', ({ error }) => {
      resolve(error)
    }),
  )
  world.tracks.away = true
  try {
    world.silent.add(trackId + userId)
    await vi.waitFor(() => {
      expect(world.tracks.unanswered).toBeGreaterThan(3)
    }, waiting)
    newcomer.subscribe()
    expect(await refused).toMatchObject({ code: 100, temporary: true })
    await world.report(trackId, randomUUID(), 'playing')
    await vi.waitFor(() => {
      expect(mine.counts).toEqual([0, 1])
    }, waiting)
    expect(newcomer.state).toBe('subscribing')
  } finally {
    world.tracks.away = false
  }
  expect(await ended).toBe(2000)
  await newcomer.ready(5000)
})
