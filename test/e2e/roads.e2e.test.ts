import { randomUUID } from 'node:crypto'
import { type ChatCommand, type RoomPublication } from '@veza/contracts'
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { createRoom, join, type Person, register, request } from '../support/api.ts'
import { connectSdk, type SdkClient } from '../support/sdk.ts'

const waiting = { timeout: 30_000 }

/** What is asked, in whatever shape a client may send it. */
type Fields = { readonly type: ChatCommand['type'] } & Readonly<Record<string, unknown>>

/** What came of it, with names in place of ids and times. */
type Outcome =
  | { readonly refused: string }
  | { readonly rejected: string }
  | { readonly published: Readonly<Record<string, unknown>> }

let [ann, bob, eve]: [Person?, Person?, Person?] = []
let sdk: SdkClient
beforeAll(async () => {
  const { http, ws } = inject('veza')
  ;[ann, bob, eve] = await Promise.all([register(http, 'Ann'), register(http, 'Bob'), register(http, 'Eve')])
  sdk = await connectSdk(ws, bob.token)
  return () => {
    sdk.close()
  }
})

const known = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('nobody has registered yet')
  return value
}
const call = (who: Person | undefined, method: string, path: string, body?: unknown) =>
  request(inject('veza').http, method, path, {
    token: known(who).token,
    ...(body === undefined ? {} : { body }),
  })

/** How a command travels. Resolves to the code with which it was refused at once; undefined: it was accepted. */
type Road = (roomId: string, fields: Fields) => Promise<string | undefined>

const byWebSocket: Road = async (roomId, fields) => {
  try {
    await sdk.client.publish(`room:${roomId}`, fields)
    return undefined
  } catch (error) {
    const { code, message } = error as { code: number; message: string }
    // The protocol has numbers of its own for rooms; everything else about a command is 107 and its code.
    return new Map([
      [102, 'room-not-found'],
      [103, 'not-a-member'],
      [107, message],
    ]).get(code)
  }
}

/** As it stands in a URL. */
const inUrl = (value: unknown): string => encodeURIComponent(value as string)

const byHttp: Road = async (roomId, { type, messageId, reaction, ...fields }) => {
  const messages = `/v1/rooms/${roomId}/messages`
  const one = `${messages}/${inUrl(messageId)}`
  const name = fields['clientMessageId']
  const query = name === undefined ? '' : `?clientMessageId=${inUrl(name)}`
  const [method, path, body]: [string, string, unknown?] = {
    'message.post': ['POST', messages, fields] as [string, string, unknown],
    'message.edit': ['PATCH', one, fields] as [string, string, unknown],
    'message.delete': ['DELETE', `${one}${query}`] as [string, string],
    'reaction.add': ['PUT', `${one}/reactions/${inUrl(reaction)}${query}`] as [string, string],
    'reaction.remove': ['DELETE', `${one}/reactions/${inUrl(reaction)}${query}`] as [string, string],
  }[type]
  const answer = await call(bob, method, path, body)
  return answer.status === 202 ? undefined : (answer.body as { code: string }).code
}

/** Ann's room with Bob in it, and who listens to it. */
const openRoom = async (visibility: 'public' | 'private', isBobIn: boolean) => {
  const { http, ws } = inject('veza')
  const owner = known(ann)
  const roomId =
    visibility === 'public'
      ? await createRoom(http, owner, 'roads')
      : ((await call(ann, 'POST', '/v1/rooms', { name: 'roads', visibility })).body as { id: string }).id
  if (isBobIn) await join(http, known(bob), roomId)
  const listener = await connectSdk(ws, owner.token)
  onTestFinished(() => {
    listener.close()
  })
  const room = await listener.listen(roomId)
  /** Sends a command that is accepted, and waits for it. @returns the event's message */
  const say = async (who: Person | undefined, fields: Record<string, unknown> = {}): Promise<string> => {
    const clientMessageId = `before ${randomUUID()}`
    const path = `/v1/rooms/${roomId}/messages`
    await call(who, 'POST', path, { body: 'before', clientMessageId, ...fields })
    const found = () => room.events.find((event) => event.clientMessageId === clientMessageId)
    await expect.poll(found, waiting).toBeDefined()
    return found()?.messageId ?? ''
  }
  /** Changes a message there is and waits for it. */
  const change = async (who: Person | undefined, method: string, path: string) => {
    const before = room.events.length
    const name = `?clientMessageId=${randomUUID()}`
    expect((await call(who, method, `/v1/rooms/${roomId}/messages/${path}${name}`)).status).toBe(202)
    await expect.poll(() => room.events.length, waiting).toBe(before + 1)
  }
  return { roomId, events: room.events, say, change }
}
type RoomUnderTest = Awaited<ReturnType<typeof openRoom>>

/** The publication without what differs from room to room. */
const readable = (event: RoomPublication, names: ReadonlyMap<string, string>) =>
  Object.fromEntries(
    Object.entries(event)
      .filter(([field]) => !/At$/.test(field))
      .map(([field, value]) => [
        field,
        Array.isArray(value)
          ? value.map((one: unknown) => names.get(String(one)) ?? one)
          : (names.get(String(value)) ?? (field === 'messageId' ? 'a new one' : (value as unknown))),
      ]),
  )

/** What is there before the command; resolves to ids that it may name. */
type Before = (room: RoomUnderTest) => Promise<Record<string, string>>
interface Case {
  readonly visibility?: 'public' | 'private'
  readonly stranger?: boolean
  readonly before?: Before
  /** The command, by what is there. */
  readonly ask: (ids: Readonly<Record<string, string>>) => Fields
}

const travel = async (road: Road, { visibility = 'public', stranger = false, before, ask }: Case) => {
  const room = await openRoom(visibility, !stranger)
  const ids = (await before?.(room)) ?? {}
  const people = { ann: known(ann).id, bob: known(bob).id, eve: known(eve).id }
  const names = new Map(Object.entries({ ...people, ...ids }).map(([name, id]) => [id, name]))
  const fields = { clientMessageId: 'the command', ...ask({ ...people, ...ids }) }
  const { length } = room.events
  const refused = await road(room.roomId, fields)
  if (refused !== undefined) return { refused } satisfies Outcome
  const isIt = (one: { roomId?: string; clientMessageId?: string }) =>
    one.clientMessageId === fields.clientMessageId
  const published = () => room.events.slice(length).find(isIt)
  const rejected = () => sdk.refusals.find((one) => one.roomId === room.roomId && isIt(one))
  await expect.poll(() => published() ?? rejected(), waiting).toBeDefined()
  const event = published()
  return (
    event === undefined
      ? { rejected: rejected()?.code ?? '' }
      : { published: { ...readable(event, names), offset: event.offset - length } }
  ) satisfies Outcome
}

const post = (fields: Record<string, unknown> = {}) => ({
  type: 'message.post' as const,
  body: 'hello',
  ...fields,
})
const mine: Before = async ({ say }) => ({ target: await say(bob) })
const theirs: Before = async ({ say }) => ({ target: await say(ann) })
const gone: Before = async ({ say, change }) => {
  const target = await say(bob)
  await change(bob, 'DELETE', target)
  return { target }
}
const reacted: Before = async ({ say, change }) => {
  const target = await say(ann)
  await change(bob, 'PUT', `${target}/reactions/x`)
  return { target }
}
const keeper =
  (method: string, path: string, body?: object): Before =>
  async ({ roomId }) => {
    const { status } = await call(
      ann,
      method,
      `/v1/rooms/${roomId}${path.replace('BOB', known(bob).id)}`,
      body,
    )
    expect(status).toBeLessThan(300)
    return {}
  }
const about =
  (type: Exclude<ChatCommand['type'], 'message.post'>, fields: Record<string, unknown> = {}) =>
  ({ target }: Readonly<Record<string, string>>) => ({ type, messageId: target, ...fields })
const track = '0198f3c2-7a51-7c3e-9d10-5a4f0e6b2c11'
const nothing = randomUUID()
const many = (n: number) => Array.from({ length: n }, () => randomUUID())

describe('a command has the same outcome by either road', () => {
  it.each<[string, Case, Outcome | { published: object }]>([
    ['a post', { ask: () => post() }, { published: { type: 'message.posted', senderId: 'bob', offset: 1 } }],
    ['the longest', { ask: () => post({ body: '🎧'.repeat(4_000) }) }, { published: { messageNumber: 1 } }],
    [
      'a reply',
      { before: theirs, ask: ({ target }) => post({ replyTo: target }) },
      { published: { replyTo: 'target', threadId: 'target' } },
    ],
    ['a mention', { ask: ({ ann: id }) => post({ mentions: [id] }) }, { published: { mentions: ['ann'] } }],
    ['a track', { ask: () => post({ trackId: track }) }, { published: { trackId: track } }],
    [
      'fields of no use',
      { ask: () => post({ colour: 'red', replyTo: null }) },
      { published: { body: 'hello' } },
    ],
    [
      'an edit',
      { before: mine, ask: about('message.edit', { body: 'ho' }) },
      { published: { type: 'message.edited', messageId: 'target', body: 'ho' } },
    ],
    ['a deletion', { before: mine, ask: about('message.delete') }, { published: { messageId: 'target' } }],
    [
      'a reaction',
      { before: theirs, ask: about('reaction.add', { reaction: '🎧' }) },
      { published: { type: 'reaction.added', reaction: '🎧', count: 1 } },
    ],
    [
      'a reaction taken back',
      { before: reacted, ask: about('reaction.remove', { reaction: 'x' }) },
      { published: { type: 'reaction.removed', count: 0 } },
    ],

    [
      'no name',
      { ask: () => post({ clientMessageId: undefined }) },
      { refused: 'invalid-client-message-id' },
    ],
    ['an empty name', { ask: () => post({ clientMessageId: '' }) }, { refused: 'invalid-client-message-id' }],
    [
      'a long name',
      { ask: () => post({ clientMessageId: 'x'.repeat(65) }) },
      { refused: 'invalid-client-message-id' },
    ],
    [
      'a number for a name',
      { ask: () => post({ clientMessageId: 17 }) },
      { refused: 'invalid-client-message-id' },
    ],
    ['no body', { ask: () => post({ body: undefined }) }, { refused: 'body-invalid' }],
    ['a number for a body', { ask: () => post({ body: 17 }) }, { refused: 'body-invalid' }],
    ['an empty body', { ask: () => post({ body: '' }) }, { refused: 'body-empty' }],
    ['white space', { ask: () => post({ body: ' \n ' }) }, { refused: 'body-empty' }],
    ['a long body', { ask: () => post({ body: 'x'.repeat(4_001) }) }, { refused: 'body-too-long' }],
    ['NUL', { ask: () => post({ body: 'a\0b' }) }, { refused: 'body-invalid' }],
    ['half a character', { ask: () => post({ body: 'a\ud800b' }) }, { refused: 'body-invalid' }],
    ['a reply to no id', { ask: () => post({ replyTo: 'x' }) }, { refused: 'invalid-reply-to' }],
    ['a reply to a number', { ask: () => post({ replyTo: 1 }) }, { refused: 'invalid-reply-to' }],
    ['a mention that is text', { ask: () => post({ mentions: 'ann' }) }, { refused: 'invalid-mentions' }],
    ['a mention of a number', { ask: () => post({ mentions: [1] }) }, { refused: 'invalid-mentions' }],
    ['51 mentions', { ask: () => post({ mentions: many(51) }) }, { refused: 'invalid-mentions' }],
    ['a mention twice', { ask: () => post({ mentions: [track, track] }) }, { refused: 'invalid-mentions' }],
    [
      'a track that is no id',
      { ask: () => post({ trackId: track.toUpperCase() }) },
      { refused: 'invalid-track-id' },
    ],
    [
      'a place in no track',
      { ask: () => post({ trackPositionMs: 1_000 }) },
      { refused: 'invalid-track-position' },
    ],
    [
      'a place before the track',
      { ask: () => post({ trackId: track, trackPositionMs: -1 }) },
      { refused: 'invalid-track-position' },
    ],
    [
      'an edit of no id',
      { ask: () => about('message.edit', { body: 'x' })({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],
    [
      'an edit to nothing',
      { before: mine, ask: about('message.edit', { body: '' }) },
      { refused: 'body-empty' },
    ],
    [
      'a deletion of no id',
      { ask: () => about('message.delete')({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],
    [
      'a deletion without a name',
      { before: mine, ask: about('message.delete', { clientMessageId: undefined }) },
      { refused: 'invalid-client-message-id' },
    ],
    [
      'white space for a reaction',
      { before: theirs, ask: about('reaction.add', { reaction: ' ' }) },
      { refused: 'invalid-reaction' },
    ],
    [
      'a long reaction',
      { before: theirs, ask: about('reaction.add', { reaction: 'x'.repeat(33) }) },
      { refused: 'invalid-reaction' },
    ],
    [
      'a reaction to no id',
      { ask: () => about('reaction.remove', { reaction: 'x' })({ target: 'x' }) },
      { refused: 'invalid-message-id' },
    ],

    ['a stranger’s post', { stranger: true, ask: () => post() }, { refused: 'not-a-member' }],
    [
      'a stranger’s post in a private room',
      { stranger: true, visibility: 'private', ask: () => post() },
      { refused: 'room-not-found' },
    ],
    [
      'a post of somebody banned',
      { stranger: true, before: keeper('PUT', '/bans/BOB'), ask: () => post() },
      { refused: 'not-a-member' },
    ],

    ['a reply to nothing', { ask: () => post({ replyTo: nothing }) }, { rejected: 'message-not-found' }],
    [
      'a reply to what is deleted',
      { before: gone, ask: ({ target }) => post({ replyTo: target }) },
      { rejected: 'message-deleted' },
    ],
    [
      'an edit of nothing',
      { ask: () => about('message.edit', { body: 'x' })({ target: nothing }) },
      { rejected: 'message-not-found' },
    ],
    [
      'an edit of another’s',
      { before: theirs, ask: about('message.edit', { body: 'x' }) },
      { rejected: 'not-author' },
    ],
    ['a deletion of another’s', { before: theirs, ask: about('message.delete') }, { rejected: 'not-author' }],
    ['a second deletion', { before: gone, ask: about('message.delete') }, { rejected: 'message-deleted' }],
    [
      'a second reaction',
      { before: reacted, ask: about('reaction.add', { reaction: 'x' }) },
      { rejected: 'already-reacted' },
    ],
    [
      'taking back what is not',
      { before: theirs, ask: about('reaction.remove', { reaction: 'x' }) },
      { rejected: 'not-reacted' },
    ],
    [
      'a post by somebody muted',
      { before: keeper('PUT', '/members/BOB/mute', { seconds: 600 }), ask: () => post() },
      { rejected: 'muted' },
    ],
    [
      'a blocked word',
      { before: keeper('PUT', '/blocked-words', { words: ['hello'] }), ask: () => post() },
      { rejected: 'blocked-word' },
    ],
    [
      'a post in an archived room',
      { before: keeper('PATCH', '', { archived: true }), ask: () => post() },
      { rejected: 'room-archived' },
    ],
    [
      'a post too soon',
      {
        async before(room) {
          await keeper('PATCH', '', { slowModeSeconds: 600 })(room)
          return { target: await room.say(bob) }
        },
        ask: () => post(),
      },
      { rejected: 'slow-mode' },
    ],
  ])('%s', async (_, given, expected) => {
    const [live, posted] = [await travel(byWebSocket, given), await travel(byHttp, given)]
    expect(posted).toEqual(live)
    expect(live).toMatchObject(expected)
  })

  it('one that is larger than any road carries is 413 by HTTP and cuts the WebSocket, which comes back', async () => {
    const room = await openRoom('public', true)
    const own = await connectSdk(inject('veza').ws, known(bob).token)
    onTestFinished(() => {
      own.close()
    })
    const { client } = own
    const fields = { ...post({ body: 'x'.repeat(100_000) }), clientMessageId: 'too large' }
    expect(await byHttp(room.roomId, fields)).toBe('body-too-large')
    const cuts: number[] = []
    client.on('connecting', ({ code }) => cuts.push(code))
    await expect(client.publish(`room:${room.roomId}`, fields)).rejects.toMatchObject({
      message: 'connection closed',
    })
    await client.ready(30_000)
    // The library sends no closing frame: the SDK takes it for a lost connection.
    expect(cuts).toEqual([1])
    expect(await byHttp(room.roomId, { ...post(), clientMessageId: 'next' })).toBeUndefined()
    await expect.poll(() => room.events.map((event) => event.clientMessageId), waiting).toEqual(['next'])
  })

  it('one to what is no room’s id is 400 by HTTP and an unknown channel by WebSocket', async () => {
    for (const roomId of ['not-a-uuid', '0198F3C2-7A51-7C3E-9D10-5A4F0E6B2C11', ' ']) {
      const fields = { ...post(), clientMessageId: 'nowhere' }
      expect(await byHttp(encodeURIComponent(roomId), fields)).toBe('invalid-request')
      await expect(sdk.client.publish(`room:${roomId}`, fields)).rejects.toMatchObject({ code: 102 })
    }
  })

  it('a command that came by one is the same when it comes by the other', async () => {
    const room = await openRoom('public', true)
    const fields = { ...post(), clientMessageId: 'once' }
    for (const road of [byWebSocket, byHttp, byHttp, byWebSocket])
      expect(await road(room.roomId, fields)).toBeUndefined()
    await room.say(ann)
    expect(room.events.map(({ clientMessageId }) => clientMessageId).filter((one) => one === 'once')).toEqual(
      ['once'],
    )
    expect(room.events).toHaveLength(2)
  })
})
