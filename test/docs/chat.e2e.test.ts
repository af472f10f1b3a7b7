import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { compileFunction } from 'node:vm'
import { type RoomPublication } from '@veza/contracts'
import { Centrifuge } from 'centrifuge'
import { expect, inject, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createRoom, join, type Person, register, request } from '../support/api.ts'

/** What the examples of docs/chat.md have in scope, by name. */
type Scope = Readonly<Record<string, unknown>>

const text = readFileSync(joinPath(import.meta.dirname, '../../docs/chat.md'), 'utf8')

/** The example below a heading, the nth of it. */
const exampleOf = (heading: string, nth = 0): string => {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const found = [...section.matchAll(/^```js\n(.*?)^```$/gms)][nth]?.[1]
  if (found === undefined) throw new Error(`there is no such example below ${heading}`)
  return found
}

/** Runs an example as it stands, but for its imports. Resolves to the scope with what it declares. */
const run = async (example: string, scope: Scope): Promise<Scope> => {
  const declared = [...example.matchAll(/^const (\w+)/gm)].map(([, name]) => name)
  const body = `return (async () => {${example.replace(/^import .*$/gm, '')}\nreturn { ${declared.join()} }})()`
  const compiled = compileFunction(body, Object.keys(scope)) as (...values: unknown[]) => Promise<Scope>
  return { ...scope, ...(await compiled(...Object.values(scope))) }
}

/** What somebody's client begins with. */
const scopeOf = ({ token }: Person, roomId: string): Scope => {
  const { http, ws } = inject('veza')
  class Client extends Centrifuge {
    constructor(_: string, options: ConstructorParameters<typeof Centrifuge>[1]) {
      super(ws, options)
      onTestFinished(() => {
        this.disconnect()
      })
    }
  }
  return { ...{ token, roomId, http, WebSocket, fetch, crypto }, Centrifuge: Client, headers: bearer(token) }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const waiting = { timeout: 30_000 }

it('the examples for client developers do what they say', async () => {
  const { http } = inject('veza')
  const [ann, bob] = await Promise.all([register(http, 'Ann'), register(http, 'Bob')])
  const roomId = await createRoom(http, ann, 'examples')
  await join(http, bob, roomId)

  // Talk.
  const shown: (RoomPublication & { offset: number })[] = []
  const markAsRefused = vi.fn()
  const show = (offset: number, data: RoomPublication) => void shown.push({ ...data, offset })
  const talking = await run(exampleOf('Talk'), { ...scopeOf(ann, roomId), show, markAsRefused })
  await expect.poll(() => shown, waiting).toMatchObject([{ offset: 1, body: 'hello' }])
  const messageId = shown[0]?.messageId
  await run(exampleOf('Talk', 1), { ...talking, messageId })
  await expect
    .poll(() => shown.map(({ type, offset }) => [offset, type]), waiting)
    .toEqual([
      [1, 'message.posted'],
      [2, 'message.edited'],
      [3, 'reaction.added'],
      [4, 'message.posted'],
      [5, 'message.deleted'],
    ])
  const { room } = talking as unknown as { room: { publish: (data: object) => Promise<unknown> } }
  await room.publish({ type: 'message.delete', clientMessageId: 'twice', messageId })
  await expect.poll(() => markAsRefused.mock.calls, waiting).toEqual([[roomId, 'twice', 'message-deleted']])

  // Load history, then go on live.
  const bobs = scopeOf(bob, roomId)
  const client = new (bobs['Centrifuge'] as typeof Centrifuge)('', { token: bob.token, websocket: WebSocket })
  client.connect()
  const reading = (await run(exampleOf('Load history, then go on live'), {
    ...bobs,
    client,
  })) as unknown as {
    page: { offset: number; messages: { body: string }[] }
    room: ReturnType<Centrifuge['newSubscription']>
  }
  expect(reading.page).toMatchObject({ offset: 5, messages: [{ body: 'yes' }, { body: '' }] })
  const post = (body: string, fields: object = {}) =>
    request(http, 'POST', `/v1/rooms/${roomId}/messages`, {
      token: ann.token,
      body: { clientMessageId: body, body, ...fields },
    })
  // What comes between the page and the subscription is not missed.
  await post('between')
  await expect.poll(() => shown.at(-1)?.offset, waiting).toBe(6)
  const live: [number | undefined, string][] = []
  reading.room.on('publication', ({ data, offset }) => {
    live.push([offset, (data as { body: string }).body])
  })
  reading.room.subscribe()
  await reading.room.ready(30_000)
  await post('afterwards')
  await expect
    .poll(() => live, waiting)
    .toEqual([
      [6, 'between'],
      [7, 'afterwards'],
    ])

  // What waits for you.
  const [showBadges, showUnread, notifyOf] = [vi.fn(), vi.fn(), vi.fn()]
  const told = { showBadges, showUnread, notifyOf, messageNumber: 2 }
  await run(exampleOf('What waits for you'), { ...bobs, ...told, client })
  await expect.poll(() => showUnread.mock.calls.at(-1), waiting).toMatchObject([roomId, { mentions: 0 }])
  await post('Bob?', { mentions: [bob.id] })
  await expect.poll(() => notifyOf.mock.calls, waiting).toEqual([[roomId, expect.any(String), ann.id]])
  expect(showBadges).toHaveBeenLastCalledWith({ mentions: 1, directMessages: 0, invitations: 0 })
  expect(showUnread).toHaveBeenLastCalledWith(roomId, { messages: 3, mentions: 1 })
})
