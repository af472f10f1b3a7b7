import { trace } from '@opentelemetry/api'
import { type Codec, PoisonRecord, RegistryUnavailable } from '@veza/contracts'
import { type ConsumedRecord } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { describe, expect, it, vi } from 'vitest'
import { type Reply } from '../protocol/replies.ts'
import { createRooms } from '../rooms/rooms.ts'
import { readNotifications } from './notifications.ts'
import { createTail } from './tail.ts'

const notification = (key: string | null, text: string): ConsumedRecord => ({
  topic: 'n',
  partition: 0,
  offset: 0,
  timestamp: 0,
  key,
  value: Buffer.from(text),
  headers: {},
})

/** A codec whose notifications say their schema id and then the clientMessageId: `7:m1`. */
const setUp = (learn: Codec['learn']) => {
  const known = new Set<number>()
  const decode = (_: unknown, bytes: Buffer): unknown => {
    const [id, clientMessageId] = bytes.toString().split(':')
    if (clientMessageId === undefined) throw new PoisonRecord('malformed', 'no colon')
    if (!known.has(Number(id))) return { unknownSchemaId: Number(id) }
    return {
      type: 'CommandRefused',
      value: { userId: 'u', roomId: 'r', clientMessageId, code: 'c', refusedAt: 0 },
    }
  }
  const codec: Codec = {
    encode: () => Buffer.alloc(0),
    decode: decode as Codec['decode'],
    async learn(topic, schemaId) {
      await learn(topic, schemaId)
      known.add(schemaId)
    },
  }
  const pushed: Reply[] = []
  const publish = (_: string, pushes: readonly Reply[]): void => void pushed.push(...pushes)
  const ignore = (): void => undefined
  const tail = createTail({
    codec,
    rooms: createRooms({
      settings: { ringEvents: 1, ringBytes: 1, maxWaiting: 1, idleMs: 1 },
      publish,
      onGap: ignore,
      onForeignEpoch: ignore,
      now: Date.now,
    }),
    onDoubt: ignore,
    readers: new Map([
      [
        'n',
        readNotifications(
          codec,
          { users: { has: (userId) => userId === 'u' }, userLogs: { has: () => false, offer: ignore } },
          publish,
        ),
      ],
    ]),
    tracer: trace.getTracer('test'),
    log: createLog('test', 'silent'),
    eventsTopic: 'e',
    observeDelay: ignore,
    now: Date.now,
  })
  const told = (): (string | undefined)[] =>
    pushed.map((push) => /\\"clientMessageId\\":\\"(\w+)\\"/.exec(JSON.stringify(push))?.[1])
  return { tail, told }
}

describe('notifications', () => {
  it('wait for the registry, in order, and are skipped when nobody here is meant', async () => {
    let failures = 1
    const learn = vi.fn<Codec['learn']>(() =>
      failures-- > 0 ? Promise.reject(new RegistryUnavailable('away')) : Promise.resolve(),
    )
    const { tail, told } = setUp(learn)
    tail([notification('u', '7:m1'), notification('stranger', '8:m2'), notification(null, '8:m3')])
    tail([notification('u', 'poison'), notification('u', '7:m4')])
    expect(told()).toEqual([])
    await vi.waitFor(
      () => {
        expect(told()).toEqual(['m1', 'm4'])
      },
      { timeout: 5000 },
    )
    expect(learn.mock.calls.map(([, id]) => id)).toEqual([7, 7])
    tail([notification('u', '7:m5')])
    expect(told()).toEqual(['m1', 'm4', 'm5'])
  })

  it('of a schema that does not exist hold nothing up', async () => {
    const learn = vi.fn<Codec['learn']>((_, id) =>
      id === 9 ? Promise.reject(new PoisonRecord('unknown-schema', 'no such id')) : Promise.resolve(),
    )
    const { tail, told } = setUp(learn)
    tail([notification('u', '9:lost'), notification('u', '7:m1')])
    await vi.waitFor(() => {
      expect(told()).toEqual(['m1'])
    })
  })
})
