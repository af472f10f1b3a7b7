import { deadLetterTopic, connectCodec, type Codec } from '@veza/contracts'
import { describe, expect, it, vi } from 'vitest'
import { type Producer } from '../kafka/index.ts'
import { infrastructure } from '../testing/index.ts'
import { dead, done, type Message } from './index.ts'
import {
  waiting,
  range,
  kafka,
  producer,
  registry,
  topic,
  group,
  needs,
  command,
  start,
  collecting,
  letters,
  header,
  noLag,
  type Commands,
  hooks,
} from './testing/run-worker.ts'

hooks()

describe('bytes that cannot be read', () => {
  it('go to the dead-letter topic as they were, and the partition goes on', async () => {
    const { bodies, handleChunk } = collecting()
    start({ handleChunk })
    const poison = [
      Buffer.from('not avro'),
      Buffer.from([0, 0, 0]),
      Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1]),
    ]
    const key = Buffer.from([255, 254])
    await producer.sendAll([
      command('m0'),
      ...poison.map((value) => ({ topic: topic.name, key, value, headers: {} })),
      { topic: topic.name, key: 'room', value: null, headers: {} },
      command('m1'),
    ])
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0', 'm1'])
    }, waiting)
    const buried = await letters(4)
    expect(buried.filter(({ value }) => value !== null).map(({ value }) => value)).toEqual(poison)
    expect(buried.filter(({ value }) => value !== null).every((r) => r.keyBytes?.equals(key))).toBe(true)
    expect(buried.map((r) => header(r, 'dlq_exception_class'))).toEqual(Array(4).fill('PoisonRecord'))
    expect(buried.map((r) => header(r, 'dlq_exception_message')?.split(':')[0]).sort()).toEqual([
      'bad-magic',
      'malformed',
      'malformed',
      'unknown-schema',
    ])
    await noLag()
  })

  it('wait for the registry where it is down, and nothing is dead-lettered', async () => {
    const url = new URL(infrastructure().schemaRegistryUrl)
    url.port = String(registry.port)
    const reader = await connectCodec(url.href)
    // A schema id that this reader has to ask for: to it every id is new.
    let isKnown = false
    const forgetful: Codec = {
      ...reader,
      decode: (of, bytes) => (isKnown ? reader.decode(of, bytes) : { unknownSchemaId: 2_000_000_000 }),
      async learn(of, id) {
        await reader.learn(of, id).catch((error: unknown) => {
          // The registry answers again: it does not know the made-up id, which is the answer waited for.
          if (error instanceof Error && error.name === 'PoisonRecord') isKnown = true
          else throw error
        })
      },
    }
    await registry.down(true)
    const { bodies, handleChunk } = collecting()
    const { health } = start({ codec: forgetful, handleChunk }, { notReadyAfterMs: 500, stalledAfterMs: 50 })
    await producer.send(command('m0'))
    await vi.waitFor(async () => {
      expect((await health.readiness())[group]).toContain('schema registry')
    }, waiting)
    // Waiting for others is no reason to be restarted.
    expect(await health.liveness()).toEqual({})
    expect(bodies).toEqual([])
    await registry.down(false)
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0'])
    }, waiting)
    await noLag()
    expect(await kafka.admin.endOffsets(deadLetterTopic(group))).toEqual([0])
    await vi.waitFor(async () => {
      expect(await health.readiness()).toEqual({})
    }, waiting)
  })
})

describe('failures', () => {
  it('are tried again in place until it works, however long the database is down', async () => {
    let calls = 0
    needs.check = () => Promise.resolve('database: refused')
    const seen: string[] = []
    const { health } = start(
      {
        handleChunk: (messages: readonly Message<Commands>[]) => {
          if (++calls <= 12) throw new TypeError('connection refused')
          seen.push(...messages.map(({ value }) => value.body))
          return Promise.resolve(messages.map(() => done))
        },
      },
      { attemptsBeforeBisect: 2, notReadyAfterMs: 20 },
    )
    await producer.sendAll(range(5).map((n) => command(`m${n}`)))
    await vi.waitFor(async () => {
      expect((await health.readiness())[group]).toBe('database: refused')
    }, waiting)
    await vi.waitFor(() => {
      expect(seen).toEqual(range(5).map((n) => `m${n}`))
    }, waiting)
    await noLag()
    expect(await kafka.admin.endOffsets(deadLetterTopic(group))).toEqual([0])
  })

  it('of one record, everything else healthy, isolate it: its neighbours succeed in order', async () => {
    const seen: string[] = []
    const onDead = vi.fn(() => Promise.resolve())
    start(
      {
        onDead,
        handleChunk: (messages: readonly Message<Commands>[]) => {
          if (messages.some(({ value }) => value.body === 'm7')) throw new RangeError('m7 is not for me')
          seen.push(...messages.map(({ value }) => value.body))
          return Promise.resolve(messages.map(() => done))
        },
      },
      { attemptsBeforeBisect: 3 },
    )
    await producer.sendAll(range(20).map((n) => command(`m${n}`)))
    const [letter] = await letters(1)
    expect(header(letter, 'ce_id')).toBe('m7')
    expect(header(letter, 'dlq_exception_class')).toBe('RangeError')
    expect(header(letter, 'dlq_exception_message')).toBe('m7 is not for me')
    expect(Number(header(letter, 'dlq_attempts'))).toBeGreaterThanOrEqual(3)
    await vi.waitFor(() => {
      const others = range(20).filter((n) => n !== 7)
      expect(seen).toEqual(others.map((n) => `m${n}`))
    }, waiting)
    await noLag()
    expect(onDead).toHaveBeenCalledTimes(1)
  })

  it('of the dead-letter topic or of onDead are tried again: no record is skipped', async () => {
    let failures = 0
    const failing = <T>(value: T) =>
      ++failures <= 3 ? Promise.reject(new Error('down')) : Promise.resolve(value)
    const onDead = vi.fn(() => failing(undefined))
    const send = vi.fn<Producer['send']>(async (record) => {
      if (send.mock.calls.length <= 3) throw new Error('down')
      await producer.send(record)
    })
    start({ deadLetter: { ...producer, send }, onDead, handle: () => Promise.resolve(dead('no')) })
    await producer.send(command('m0'))
    expect(await letters(1)).toHaveLength(1)
    await noLag()
    expect(onDead).toHaveBeenCalledTimes(4)
  })

  it('of a handler of single messages repeat only what is not done', async () => {
    const seen: string[] = []
    let failures = 0
    start({
      handle: ({ value }: Message<Commands>) => {
        if (value.body === 'm3' && ++failures <= 2) return Promise.reject(new Error('not yet'))
        seen.push(value.body)
        return Promise.resolve(done)
      },
    })
    await producer.sendAll(range(6).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(seen).toEqual(range(6).map((n) => `m${n}`))
    }, waiting)
  })

  it('make it not live when nothing moves though there is lag', async () => {
    let release: () => void = () => undefined
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    const { health } = start(
      { handleChunk: (messages) => stuck.then(() => messages.map(() => done)) },
      { stalledAfterMs: 100, lagIntervalMs: 20 },
    )
    await producer.send(command('m0'))
    await vi.waitFor(async () => {
      expect((await health.liveness())[group]).toMatch(/no progress for \d+ ms with a lag of 1/)
    }, waiting)
    release()
    await vi.waitFor(async () => {
      expect(await health.liveness()).toEqual({})
    }, waiting)
  })
})

describe('stopping', () => {
  it('finishes and commits the chunk in flight, and only that', async () => {
    const seen: string[] = []
    let release: () => void = () => undefined
    const handling = vi.fn()
    const { worker } = start(
      {
        handleChunk: async (messages: readonly Message<Commands>[]) => {
          handling()
          await new Promise<void>((resolve) => {
            release = resolve
          })
          seen.push(...messages.map(({ value }) => value.body))
          return messages.map(() => done)
        },
      },
      { maxChunkRecords: 4, commitIntervalMs: 3_600_000 },
    )
    await producer.sendAll(range(10).map((n) => command(`m${n}`)))
    await vi.waitFor(() => {
      expect(handling).toHaveBeenCalled()
    }, waiting)
    const stopping = worker.stop()
    release()
    await stopping
    await worker.finished
    const rest = collecting()
    start(rest)
    await vi.waitFor(() => {
      expect([...seen, ...rest.bodies]).toEqual(range(10).map((n) => `m${n}`))
    }, waiting)
  })

  it('does not wait for what is down', async () => {
    needs.check = () => Promise.resolve('database: refused')
    const tried = vi.fn()
    const { worker } = start({
      handleChunk: () => {
        tried()
        return Promise.reject(new Error('refused'))
      },
    })
    await producer.send(command('m0'))
    await vi.waitFor(() => {
      expect(tried).toHaveBeenCalled()
    }, waiting)
    await worker.stop()
    const { bodies, handleChunk } = collecting()
    start({ handleChunk })
    await vi.waitFor(() => {
      expect(bodies).toEqual(['m0'])
    }, waiting)
  })
})
