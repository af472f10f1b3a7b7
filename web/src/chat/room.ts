import { type ReadonlySignal, signal } from '@preact/signals'
import { type Subscription } from 'centrifuge'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { connection, onOwn } from '../live/connection.ts'
import { type RoomEvent, type RoomPublication } from '../live/publications.ts'
import { readOutbox, writeOutbox } from './outbox.ts'
import {
  evolve,
  type HistoryPage,
  logFrom,
  type Pending,
  type Place,
  refused,
  type RoomLog,
  withEarlier,
  withLater,
  withoutPending,
  withPending,
} from './room-log.ts'

type EventListener = (event: RoomEvent | 'missed') => void

/** A room that is open on the page. */
export interface OpenRoom {
  readonly id: string
  /** Of whoever looks; null: no member. */
  readonly role: Schemas['Room']['role']
  readonly log: ReadonlySignal<RoomLog | undefined>
  readonly problem: ReadonlySignal<ApiProblem | undefined>
  /** Who is writing, but for oneself. */
  readonly typing: ReadonlySignal<readonly string[]>
  /** People who follow the room now; undefined: not known. */
  readonly here: ReadonlySignal<number | undefined>
  /** Shows the message at once, and sends it as soon as that can be done. */
  send(body: string, about?: Pick<Pending, 'replyTo' | 'mentions' | 'trackId' | 'trackPositionMs'>): void
  /** Sends again what was refused; under a new name, since the old one has its outcome. */
  retry(clientMessageId: string): void
  discard(clientMessageId: string): void
  /** Each rejects with ApiProblem when the edge refuses; what the worker refuses comes on the own channel. */
  edit(messageId: string, body: string, mentions: readonly string[]): Promise<void>
  remove(messageId: string): Promise<void>
  react(messageId: string, reaction: string, add: boolean): Promise<void>
  /** Tells the room's moderators of a message. Rejects with ApiProblem. */
  report(messageId: string, reason: string): Promise<void>
  /** Whether one reads further back than its end: what is posted then does not push out what is read. */
  readBack(isSo: boolean): void
  loadEarlier(): Promise<void>
  loadLater(): Promise<void>
  toEnd(): Promise<void>
  /** Follows what happens in the room; `missed`: more than can be told, so what was learnt is to be loaded anew. */
  onEvent(listener: EventListener): () => void
  /** That one is writing; told to the others every two seconds at most. */
  tellTyping(): void
  markRead(): void
  close(): void
}

const pageSize = 50
/** More than a screen holds: whoever opens a room waits for these to be drawn. */
const firstPageSize = 30
const typingShownMs = 4_000
const typingToldMs = 2_000
const readAfterMs = 600
const presenceMs = 20_000

/**
 * Opens a room: loads its newest messages, or those around one, and for a member follows it from there.
 *
 * @param me whose page it is
 * @param around id of a message, such as a link names
 */
export const openRoom = (
  room: Pick<Schemas['Room'], 'id' | 'role'>,
  me: string,
  around?: string,
): OpenRoom => {
  const roomId = room.id
  const isMember = room.role !== null
  const log = signal<RoomLog | undefined>(undefined)
  const problem = signal<ApiProblem | undefined>(undefined)
  const typing = signal<readonly string[]>([])
  const here = signal<number | undefined>(undefined)
  const params = { path: { roomId } }
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const typingUntil = new Map<string, ReturnType<typeof setTimeout>>()
  const underWay = new Set<string>()
  const listeners = new Set<EventListener>()
  let subscription: Subscription | undefined
  let isClosed = false
  let isFollowed = false
  /** What came while history was loaded anew. */
  let held: { offset: number; event: RoomEvent }[] | undefined
  let toldTypingAt = 0
  let readNumber = 0
  let readsBack = false
  let reading: ReturnType<typeof setTimeout> | undefined

  const change = (to: (log: RoomLog) => RoomLog): void => {
    // One who opened the room anew keeps the outbox now.
    if (log.value === undefined || isClosed) return
    const before = log.value.pending
    log.value = to(log.value)
    if (log.value.pending !== before) writeOutbox(me, roomId, log.value.pending)
  }

  const page = async (query?: Place, limit = pageSize): Promise<HistoryPage> =>
    ask(api.GET('/v1/rooms/{roomId}/messages', { params: { ...params, query: { limit, ...query } } }))

  const load = async (place?: Place): Promise<void> => {
    held = []
    try {
      const newest = await page(place, firstPageSize)
      if (isClosed) return
      const pending = log.value?.pending ?? (isMember ? readOutbox(me, roomId) : [])
      let next = logFrom(newest, place === undefined || newest.previous === null, pending)
      for (const { offset, event } of held) next = evolve(next, offset, event, me)
      log.value = next
      writeOutbox(me, roomId, next.pending)
      problem.value = undefined
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      held = undefined
    }
  }

  const showTyping = (userId: string): void => {
    if (userId === me) return
    clearTimeout(typingUntil.get(userId))
    const stop = setTimeout(() => {
      typingUntil.delete(userId)
      typing.value = [...typingUntil.keys()]
    }, typingShownMs)
    typingUntil.set(userId, stop)
    typing.value = [...typingUntil.keys()]
  }

  const onPublication = (offset: number | undefined, data: RoomPublication): void => {
    if (data.type === 'typing') {
      showTyping(data.userId)
      return
    }
    if (offset === undefined) return
    if (held !== undefined) held.push({ offset, event: data })
    else change((current) => evolve(current, offset, data, me, readsBack))
    for (const listener of listeners) listener(data)
    if (data.type === 'message.posted' && typingUntil.has(data.senderId)) {
      clearTimeout(typingUntil.get(data.senderId))
      typingUntil.delete(data.senderId)
      typing.value = [...typingUntil.keys()]
    }
  }

  const codeOf = (error: unknown): string | undefined => {
    const { code, message } = error as { code?: number; message?: string }
    // 107: ours, by its stable name. 103: the room is closed to us. Others pass.
    if (code === 107) return message
    return code === 103 ? 'not-a-member' : undefined
  }

  const publish = async ({
    clientMessageId,
    body,
    replyTo,
    mentions = [],
    trackId,
    trackPositionMs,
  }: Pending): Promise<void> => {
    if (!isFollowed || underWay.has(clientMessageId)) return
    underWay.add(clientMessageId)
    try {
      await subscription?.publish({
        type: 'message.post',
        clientMessageId,
        body,
        ...(replyTo !== undefined && { replyTo }),
        ...(mentions.length > 0 && { mentions }),
        ...(trackId !== undefined && { trackId }),
        ...(trackPositionMs !== undefined && { trackPositionMs }),
      })
    } catch (error) {
      const code = codeOf(error)
      // Anything else: whether it arrived is not known. It is sent again under the same name when the room is back.
      if (code !== undefined) change((current) => refused(current, clientMessageId, code))
    } finally {
      underWay.delete(clientMessageId)
    }
  }

  const flush = (): void => {
    for (const pending of log.value?.pending ?? []) if (pending.refusedBy === undefined) void publish(pending)
  }

  const countHere = async (): Promise<void> => {
    try {
      here.value = (await subscription?.presenceStats())?.numUsers
    } catch {
      here.value = undefined
    }
  }

  const follow = async (): Promise<void> => {
    const client = await connection()
    const from = log.value
    if (isClosed || from === undefined) return
    const channel = `room:${roomId}`
    const old = client.getSubscription(channel)
    if (old !== null) client.removeSubscription(old)
    const since = { epoch: from.epoch, offset: from.offset }
    subscription = client.newSubscription(channel, { since })
    subscription.on('publication', ({ data, offset }) => {
      onPublication(offset, data as RoomPublication)
    })
    subscription.on('subscribing', () => {
      isFollowed = false
    })
    subscription.on('subscribed', ({ wasRecovering, recovered }) => {
      isFollowed = true
      const isTorn = wasRecovering && !recovered
      if (isTorn) for (const listener of listeners) listener('missed')
      const settled = isTorn ? load() : Promise.resolve()
      void settled.then(flush)
      void countHere()
    })
    subscription.on('unsubscribed', ({ code }) => {
      isFollowed = false
      if (!isClosed && code >= 2000) problem.value = asProblem(undefined)
    })
    subscription.subscribe()
    const again = setInterval(() => void countHere(), presenceMs)
    timers.add(again)
  }

  const ended = onOwn((publication) => {
    if (publication.type !== 'rejected' || publication.roomId !== roomId) return
    const { clientMessageId, code } = publication
    change((current) => refused(current, clientMessageId, code))
  })

  const enqueue = (pending: Pending): void => {
    // Written before the conversation is there: the outbox alone holds it, from where `load` takes it.
    if (log.value === undefined) writeOutbox(me, roomId, [...readOutbox(me, roomId), pending])
    change((current) => withPending(current, pending))
    void publish(pending)
  }

  void load(around === undefined ? undefined : { around }).then(() => (isMember ? follow() : undefined))

  return {
    id: roomId,
    role: room.role,
    log,
    problem,
    typing,
    here,
    send(body, about = {}) {
      const clientMessageId = crypto.randomUUID()
      enqueue({ clientMessageId, body, ...about, writtenAt: new Date().toISOString() })
    },
    retry(clientMessageId) {
      const found = log.value?.pending.find((each) => each.clientMessageId === clientMessageId)
      if (found === undefined) return
      const { refusedBy, ...again } = found
      if (refusedBy === undefined) {
        void publish(found)
        return
      }
      change((current) => withoutPending(current, clientMessageId))
      enqueue({ ...again, clientMessageId: crypto.randomUUID() })
    },
    discard(clientMessageId) {
      change((current) => withoutPending(current, clientMessageId))
    },
    async edit(messageId, body, mentions) {
      const request = {
        params: { path: { roomId, messageId } },
        body: { clientMessageId: crypto.randomUUID(), body, mentions: [...mentions] },
      }
      await ask(api.PATCH('/v1/rooms/{roomId}/messages/{messageId}', request))
    },
    async remove(messageId) {
      const query = { clientMessageId: crypto.randomUUID() }
      await ask(
        api.DELETE('/v1/rooms/{roomId}/messages/{messageId}', {
          params: { path: { roomId, messageId }, query },
        }),
      )
    },
    async react(messageId, reaction, add) {
      const query = { clientMessageId: crypto.randomUUID() }
      const request = { params: { path: { roomId, messageId, reaction }, query } }
      const path = '/v1/rooms/{roomId}/messages/{messageId}/reactions/{reaction}'
      await ask(add ? api.PUT(path, request) : api.DELETE(path, request))
    },
    async report(messageId, reason) {
      const request = { params: { path: { roomId, messageId }, header: once() }, body: { reason } }
      await ask(api.PUT('/v1/rooms/{roomId}/messages/{messageId}/report', request))
    },
    readBack(isSo) {
      readsBack = isSo
    },
    async loadEarlier() {
      const earlier = log.value?.earlier ?? null
      if (earlier === null) return
      const older = await page(earlier)
      change((current) => (current.earlier === earlier ? withEarlier(current, older) : current))
    },
    async loadLater() {
      const last = log.value?.messages.at(-1)
      if (last === undefined) return
      const around = await page({ around: last.messageId })
      change((current) => (current.messages.at(-1) === last ? withLater(current, around) : current))
    },
    toEnd: () => load(),
    onEvent(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    tellTyping() {
      const now = Date.now()
      if (now - toldTypingAt < typingToldMs || !isFollowed) return
      toldTypingAt = now
      subscription?.publish({ type: 'typing' }).catch(() => undefined)
    },
    markRead() {
      const last = log.value?.messages.at(-1)?.messageNumber ?? 0
      if (!isMember || last <= readNumber || log.value?.reachesEnd !== true) return
      readNumber = last
      clearTimeout(reading)
      reading = setTimeout(() => {
        const body = { messageNumber: readNumber }
        ask(api.PUT('/v1/rooms/{roomId}/read', { params, body })).catch(() => undefined)
      }, readAfterMs)
    },
    close() {
      isClosed = true
      ended()
      for (const timer of timers) clearInterval(timer)
      for (const timer of typingUntil.values()) clearTimeout(timer)
      const closing = subscription
      if (closing !== undefined)
        void connection().then((client) => {
          if (client.getSubscription(closing.channel) === closing) client.removeSubscription(closing)
        })
    },
  }
}
