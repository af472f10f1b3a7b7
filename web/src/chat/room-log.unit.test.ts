import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RoomEvent } from '../live/publications.ts'
import {
  evolve,
  type HistoryPage,
  logFrom,
  type Message,
  refused,
  type RoomLog,
  windowSize,
  withEarlier,
  withLater,
  withPending,
} from './room-log.ts'

const me = 'me'
const message = (messageNumber: number, more: Partial<Message> = {}): Message => ({
  messageId: `m${messageNumber}`,
  messageNumber,
  senderId: 'ann',
  clientMessageId: `c${messageNumber}`,
  body: `body ${messageNumber}`,
  postedAt: new Date(messageNumber * 1000).toISOString(),
  ...more,
})
/** Messages `to` down to `from`, as a page has them. */
const page = (
  from: number,
  to: number,
  next: string | null = from > 1 ? String(from) : null,
  previous: string | null = String(to),
): HistoryPage => ({
  epoch: 'e',
  offset: to,
  messages: Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => message(to - at)),
  next,
  previous,
})
const posted = (messageNumber: number, senderId = 'ann'): RoomEvent & { type: 'message.posted' } => {
  const { messageId, clientMessageId, body, postedAt } = message(messageNumber)
  return { type: 'message.posted', messageId, messageNumber, senderId, clientMessageId, body, postedAt }
}
const numbers = (log: RoomLog): number[] => log.messages.map(({ messageNumber }) => messageNumber)
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

test('a message that comes by the page and live, or twice after a recovery, is there once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 30 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (read, repeated) => {
        let log = logFrom(page(1, read), true, [])
        for (let offset = 1; offset <= 40; offset++) {
          log = evolve(log, offset, posted(offset), me)
          for (const again of repeated) if (again <= offset) log = evolve(log, again, posted(again), me)
        }
        expect(numbers(log)).toEqual(range(1, 40))
      },
    ),
  )
})

test('what one wrote gives way to the message that it became, by a page or live', () => {
  const pending = { clientMessageId: 'c3', body: 'hello', writtenAt: '' }
  const waiting = withPending(logFrom(page(1, 2), true, []), pending)
  expect(waiting.pending).toEqual([pending])
  expect(evolve(waiting, 3, posted(3, me), me).pending).toEqual([])
  expect(logFrom(page(1, 3), true, waiting.pending).pending).toEqual([])
})

test('what was refused stays, with the reason', () => {
  const log = withPending(logFrom(page(1, 1), true, []), {
    clientMessageId: 'x',
    body: 'hello',
    writtenAt: '',
  })
  expect(refused(log, 'x', 'muted').pending).toEqual([
    { clientMessageId: 'x', body: 'hello', writtenAt: '', refusedBy: 'muted' },
  ])
})

test('an edit, a reaction and a deletion change the message that they are about', () => {
  let log = logFrom(page(1, 2), true, [])
  const about = { messageId: 'm1', senderId: 'ben', clientMessageId: 'x' }
  log = evolve(log, 3, { type: 'message.edited', ...about, body: 'new', editedAt: 'then' }, me)
  expect(log.messages[0]).toMatchObject({ body: 'new', editedAt: 'then' })
  log = evolve(log, 4, { type: 'reaction.added', ...about, reaction: '🎧', count: 1 }, me)
  log = evolve(log, 5, { type: 'reaction.added', ...about, senderId: me, reaction: '🎧', count: 2 }, me)
  expect(log.messages[0]?.reactions).toEqual([{ reaction: '🎧', count: 2, mine: true }])
  log = evolve(log, 6, { type: 'reaction.removed', ...about, reaction: '🎧', count: 1 }, me)
  expect(log.messages[0]?.reactions).toEqual([{ reaction: '🎧', count: 1, mine: true }])
  log = evolve(log, 7, { type: 'reaction.removed', ...about, senderId: me, reaction: '🎧', count: 0 }, me)
  expect(log.messages[0]?.reactions).toEqual([])
  log = evolve(log, 8, { type: 'message.deleted', ...about, deletedAt: 'now' }, me)
  expect(log.messages[0]).toMatchObject({ body: '', deletedAt: 'now' })
})

test('a reply counts at the message that began its thread', () => {
  const log = evolve(logFrom(page(1, 1), true, []), 2, { ...posted(2), threadId: 'm1', replyTo: 'm1' }, me)
  expect(log.messages[0]?.replies).toBe(1)
})

test('a type of a later version of Veza changes nothing, and its number counts', () => {
  const event = { type: 'message.pinned', messageId: 'm1' } as unknown as RoomEvent
  const log = evolve(logFrom(page(1, 1), true, []), 2, event, me)
  expect(log).toMatchObject({ offset: 2, messages: [{ messageNumber: 1 }] })
})

test('back to the beginning and forward again it is one stretch without holes, never longer than the window', () => {
  let last = windowSize * 2 + 37
  let log = logFrom(page(last - 49, last), true, [])
  const isOneStretch = (): void => {
    const [first = 0] = numbers(log)
    expect(numbers(log)).toEqual(range(first, first + log.messages.length - 1))
    expect(log.messages.length).toBeLessThanOrEqual(windowSize)
  }
  while (log.earlier !== null) {
    const before = numbers(log)[0] ?? 0
    log = withEarlier(log, page(Math.max(1, before - 50), before - 1))
    isOneStretch()
  }
  expect(numbers(log)).toEqual(range(1, windowSize))
  expect(log.reachesEnd).toBe(false)
  // What is posted meanwhile is not at its place, and not shown.
  log = evolve(log, last + 1, posted(last + 1), me)
  expect(numbers(log)).toEqual(range(1, windowSize))
  for (let at = windowSize; at < last; at += 25) {
    log = withLater(log, page(at - 24, Math.min(last, at + 25)))
    isOneStretch()
  }
  expect(numbers(log)).toEqual(range(last + 1 - windowSize, last))
  expect(log.reachesEnd).toBe(false)
  // A page that was read before the last post was told of may lack it.
  const newest = (to: number) => page(to - 24, to, null, null)
  expect(withLater(log, newest(last)).reachesEnd).toBe(false)
  log = withLater(log, newest(last + 2))
  expect(log.reachesEnd).toBe(true)
  // One that has what is told of only now has it once.
  for (const number of [last + 2, last + 3]) log = evolve(log, number, posted(number), me)
  isOneStretch()
  expect(numbers(log).at(-1)).toBe(last + 3)
  // Whoever reads back keeps what they read, and goes on to what came meanwhile.
  const back = evolve(log, last + 4, posted(last + 4), me, true)
  expect([numbers(back), back.reachesEnd]).toEqual([numbers(log), false])
  log = withLater(back, newest(last + 4))
  expect([numbers(log).at(-1), log.reachesEnd]).toEqual([last + 4, true])
  isOneStretch()
  last += 4
  expect(log.earlier).toEqual({ around: `m${last + 1 - windowSize}` })
  // A page around the first has newer ones too: they are there already.
  log = withEarlier(log, page(last + 1 - windowSize - 25, last + 1 - windowSize + 25))
  isOneStretch()
  expect(numbers(log)[0]).toBe(last + 1 - windowSize - 25)
})
