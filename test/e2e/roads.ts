import { randomUUID } from 'node:crypto'
import { type ChatCommand, type RoomPublication } from '@veza/contracts'
import { beforeAll, expect, inject, onTestFinished } from 'vitest'
import { createRoom, join, type Person, register, request } from '../support/api.ts'
import { connectSdk, type SdkClient } from '../support/sdk.ts'

export const waiting = { timeout: 30_000 }

/** What is asked, in whatever shape a client may send it. */
type Fields = { readonly type: ChatCommand['type'] } & Readonly<Record<string, unknown>>

/** What came of it, with names in place of ids and times. */
export type Outcome =
  | { readonly refused: string }
  | { readonly rejected: string }
  | { readonly published: Readonly<Record<string, unknown>> }

export let [ann, bob, eve]: [Person?, Person?, Person?] = []
export let sdk: SdkClient

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    const { http, ws } = inject('veza')
    ;[ann, bob, eve] = await Promise.all([
      register(http, 'Ann'),
      register(http, 'Bob'),
      register(http, 'Eve'),
    ])
    sdk = await connectSdk(ws, bob.token)
    return () => {
      sdk.close()
    }
  })
}

export const known = <T>(value: T | undefined): T => {
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

export const byWebSocket: Road = async (roomId, fields) => {
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

export const byHttp: Road = async (roomId, { type, messageId, reaction, ...fields }) => {
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
export const openRoom = async (visibility: 'public' | 'private', isBobIn: boolean) => {
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
export type Before = (room: RoomUnderTest) => Promise<Record<string, string>>
export interface Case {
  readonly visibility?: 'public' | 'private'
  readonly stranger?: boolean
  readonly before?: Before
  /** The command, by what is there. */
  readonly ask: (ids: Readonly<Record<string, string>>) => Fields
}

export const travel = async (road: Road, { visibility = 'public', stranger = false, before, ask }: Case) => {
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

export const post = (fields: Record<string, unknown> = {}) => ({
  type: 'message.post' as const,
  body: 'hello',
  ...fields,
})
export const mine: Before = async ({ say }) => ({ target: await say(bob) })
export const theirs: Before = async ({ say }) => ({ target: await say(ann) })
export const gone: Before = async ({ say, change }) => {
  const target = await say(bob)
  await change(bob, 'DELETE', target)
  return { target }
}
export const reacted: Before = async ({ say, change }) => {
  const target = await say(ann)
  await change(bob, 'PUT', `${target}/reactions/x`)
  return { target }
}
export const keeper =
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
export const about =
  (type: Exclude<ChatCommand['type'], 'message.post'>, fields: Record<string, unknown> = {}) =>
  ({ target }: Readonly<Record<string, string>>) => ({ type, messageId: target, ...fields })
