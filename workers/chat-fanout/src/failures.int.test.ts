import { randomUUID } from 'node:crypto'
import { roomLog } from '@veza/chat/store'
import { deadLetterTopic } from '@veza/contracts'
import { expect, it } from 'vitest'
import {
  command,
  committed,
  database,
  erasure,
  events,
  eventually,
  group,
  newRoom,
  producerOf,
  recordsOf,
  refusals,
  start,
  value,
  write,
  hooks,
} from './testing/fanout-under-test.ts'

hooks()

it('dead-letters poison as it was and goes on with its neighbours', async () => {
  const { roomId, ana } = await newRoom()
  start()
  const poison = Buffer.from('no record at all')
  await write([
    command(roomId, ana, '1'),
    { ...command(roomId, ana, '2'), value: poison },
    command('no-uuid', 'nobody', '3'),
    command(roomId, ana, '4'),
  ])
  await eventually(() => {
    expect(events().map(({ event }) => event.offset)).toEqual([1, 2])
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(2)
  })
  const letters = recordsOf(deadLetterTopic(group))
  expect(letters.some((letter) => value(letter).equals(poison))).toBe(true)
  await eventually(committed)
})

it('tells the sender `internal` of a command that fails alone, and stores its neighbours', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  start(producerOf(), {
    settle: (commands) =>
      commands.some(
        ({ content, isErasure }) => isErasure === true || ('body' in content && content.body === 'crash'),
      )
        ? Promise.reject(new TypeError('a bug that this body meets'))
        : store.settle(commands),
  })
  await write([
    command(roomId, ana, '1'),
    command(roomId, ana, '2', 'crash'),
    // Whoever is forgotten does not wait for it, and is told nothing.
    erasure(roomId, ana, randomUUID()),
    command(roomId, ana, '3'),
  ])
  await eventually(() => {
    expect(new Set(events().map(({ event }) => event.clientMessageId))).toEqual(new Set(['1', '3']))
    expect(refusals().map(({ refusal }) => [refusal.userId, refusal.clientMessageId, refusal.code])).toEqual([
      [ana, '2', 'internal'],
    ])
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(2)
  })
})

it('stores `internal` as the outcome of what it gave up, so that a redrive can never post it', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  let isBroken = true
  start(producerOf(), {
    settle: (commands) =>
      isBroken && commands.some(({ content }) => 'body' in content && content.body === 'crash')
        ? Promise.reject(new TypeError('a bug that this body meets'))
        : store.settle(commands),
  })
  await write([command(roomId, ana, '1', 'crash')])
  await eventually(() => {
    expect(recordsOf(deadLetterTopic(group))).toHaveLength(1)
    expect(refusals()).toHaveLength(1)
  })
  isBroken = false
  const [letter] = recordsOf(deadLetterTopic(group))
  await write([{ ...command(roomId, ana, '1'), value: letter?.value ?? null }, command(roomId, ana, '2')])
  await eventually(() => {
    expect(events().map(({ event }) => event.clientMessageId)).toEqual(['2'])
    expect(refusals().map(({ refusal }) => refusal.code)).toEqual(['internal', 'internal'])
  })
  expect(new Set(refusals().map(({ record }) => value(record).toString('hex'))).size).toBe(1)
})

it('waits for a server that refuses everybody, and dead-letters nothing', async () => {
  const { roomId, ana } = await newRoom()
  const store = roomLog(database)
  const diskFull = Object.assign(new Error('could not extend file'), { code: '53100' })
  let attempts = 0
  start(producerOf(), {
    settle: (commands) => (attempts++ < 12 ? Promise.reject(diskFull) : store.settle(commands)),
  })
  await write([command(roomId, ana, '1'), command(roomId, ana, '2')])
  await eventually(() => {
    expect(new Set(events().map(({ event }) => event.offset))).toEqual(new Set([1, 2]))
  })
  expect(recordsOf(deadLetterTopic(group))).toEqual([])
  expect(refusals()).toEqual([])
})
