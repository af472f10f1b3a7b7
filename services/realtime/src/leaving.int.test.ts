import { type PublicationContext, type Subscription } from 'centrifuge'
import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  hooks,
  connect,
  follow,
  leave,
  offsets,
  setUp,
  tellLeft,
  upTo,
  world,
} from './testing/sdk-clients.ts'

hooks()

const left = (sub: Subscription) => new Promise((resolve) => sub.on('unsubscribed', resolve))
const codes = (sub: Subscription): number[] => {
  const seen: number[] = []
  sub.on('subscribing', ({ code }) => seen.push(code))
  sub.on('unsubscribed', ({ code }) => seen.push(code))
  return seen
}

/** Chat's next answer on a path is made, and on its way until it is released. */
const holdAnswer = (path: string) => {
  let isHeld = false
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  world.chat.after = async (asked) => {
    if (!asked.endsWith(path) || isHeld) return
    isHeld = true
    await released
  }
  onTestFinished(() => {
    release()
    world.chat.after = () => undefined
  })
  return { held: () => expect.poll(() => isHeld, { timeout: 20_000 }).toBe(true), release }
}

/** At the edge: tells when it has read what stands on the topic of rooms now. Chat need not answer for that. */
const readMark = async (url: string) => {
  const userId = randomUUID()
  const roomId = world.chat.addRoom([userId])
  const client = await connect(url, userId)
  await follow(client, roomId)
  const code = () =>
    client.presenceStats(`room:${roomId}`).then(
      () => 0,
      (error: unknown) => (error as { code: number }).code,
    )
  return async () => {
    await leave(roomId, userId)
    await expect.poll(code, { timeout: 20_000 }).toBe(103)
  }
}

const pending = [
  ['that is answered from chat', undefined, '/internal/v1/access'],
  ['that recovers', { epoch: 'e', offset: 0 }, '/events'],
] as const

describe('who leaves a room', () => {
  it('loses the subscription, for good and at once, and nobody else does', async () => {
    const { edge, client, roomId, userId, sub } = await setUp()
    const other = randomUUID()
    world.chat.rooms.get(roomId)?.members.add(other)
    const { seen } = await follow(await connect(edge.url, other), roomId)
    const gone = left(sub)
    await leave(roomId, userId)
    expect(await gone).toMatchObject({ code: 2000 })
    // Nor may they post, though they could a moment ago: the answer of then is forgotten.
    const post = { type: 'message.post', clientMessageId: 'm', body: 'hello' }
    await expect(client.publish(`room:${roomId}`, post)).rejects.toMatchObject({ code: 103 })
    await world.emit(world.chat.store(roomId, other, 'm1'))
    await expect.poll(() => offsets(seen)).toEqual([1])
    expect(sub.state).toBe('unsubscribed')
  })

  it.each(pending)('loses a subscription %s at that moment, too', async (_, since, path) => {
    const edge = await world.edge()
    const [userId, other] = [randomUUID(), randomUUID()]
    const roomId = world.chat.addRoom([userId, other], 'e')
    world.chat.store(roomId, other, 'm1')
    const { seen } = await follow(await connect(edge.url, other), roomId)
    const read = await readMark(edge.url)
    const client = await connect(edge.url, userId)

    // Chat has answered that they are a member.
    const answer = holdAnswer(path)
    const sub = client.newSubscription(`room:${roomId}`, since === undefined ? {} : { since })
    const late: PublicationContext[] = []
    sub.on('publication', (publication) => late.push(publication))
    const ended = left(sub)
    sub.subscribe()
    await answer.held()
    await leave(roomId, userId)
    await read()
    answer.release()

    expect(await ended).toMatchObject({ code: 103 })
    await world.emit(world.chat.store(roomId, other, 'm2'))
    await expect.poll(() => offsets(seen)).toContain(2)
    expect(late).toEqual([])
    sub.subscribe()
    await expect.poll(() => sub.state).toBe('unsubscribed')
  })

  it('is shown nothing while chat can not say whether they came back', async () => {
    const { edge, roomId, userId, sub, seen } = await setUp()
    const read = await readMark(edge.url)
    const other = randomUUID()
    world.chat.rooms.get(roomId)?.members.add(other)
    const watched = await follow(await connect(edge.url, other), roomId)
    const [told, gone] = [codes(sub), left(sub)]
    const answer = holdAnswer('/internal/v1/access')
    world.chat.failing = true
    onTestFinished(() => {
      world.chat.failing = false
    })
    await leave(roomId, userId)
    await read()
    await answer.held()
    await world.emit(world.chat.store(roomId, other, 'm1'))
    await expect.poll(() => offsets(watched.seen)).toEqual([1])
    answer.release()
    await expect.poll(() => told[0]).toBe(2500)
    world.chat.failing = false
    // The SDK has subscribed anew, which is refused now.
    expect(await gone).toMatchObject({ code: 103 })
    expect(seen).toEqual([])
  })
})

describe('who left a room and is back before that is told', () => {
  it('goes on without a gap, subscribed anew by the SDK', async () => {
    const { edge, roomId, userId, sub, seen, store } = await setUp()
    const read = await readMark(edge.url)
    const told = codes(sub)
    const answer = holdAnswer('/internal/v1/access')
    await world.emit(...store(1))
    await tellLeft(roomId, userId)
    await read()
    await world.emit(...store(2))
    answer.release()
    await expect.poll(() => offsets(seen)).toEqual(upTo(3))
    await world.emit(...store(1))
    await expect.poll(() => offsets(seen)).toEqual(upTo(4))
    expect(told).toEqual([2500])
    expect(sub.state).toBe('subscribed')
  })

  it.each(pending)('is not refused a subscription %s at that moment', async (_, since, path) => {
    const edge = await world.edge()
    const userId = randomUUID()
    const roomId = world.chat.addRoom([userId], 'e')
    const first = world.chat.store(roomId, userId, 'm1')
    const read = await readMark(edge.url)
    const client = await connect(edge.url, userId)
    const answer = holdAnswer(path)
    const sub = client.newSubscription(`room:${roomId}`, since === undefined ? {} : { since })
    const seen: PublicationContext[] = []
    sub.on('publication', (publication) => seen.push(publication))
    const told = codes(sub)
    sub.subscribe()
    await answer.held()
    await tellLeft(roomId, userId)
    await read()
    answer.release()
    await sub.ready(5000)
    await world.emit(world.chat.store(roomId, userId, 'm2'))
    const due = since === undefined ? [2] : [first.offset, 2]
    await expect.poll(() => offsets(seen)).toEqual(due)
    // The SDK's own first attempt, and nothing else.
    expect(told).toEqual([0])
  })
})
