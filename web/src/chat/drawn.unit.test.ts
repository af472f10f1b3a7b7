import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Drawn, drawnOf, messagesOf, rowsAFrame, tailOf, undrawn, withMore } from './drawn.ts'
import { type Message } from './room-log.ts'

const stretch = (from: number, to: number, reachesEnd = false) => ({
  messages: Array.from(
    { length: Math.max(0, to - from + 1) },
    (_, at) => ({ messageNumber: from + at }) as Message,
  ),
  reachesEnd,
})
const shown = (log: ReturnType<typeof stretch>, drawn: Drawn): number[] => {
  const numbers = messagesOf(log, drawn).messages.map(({ messageNumber }) => messageNumber)
  return [numbers[0] ?? 0, numbers.at(-1) ?? 0]
}

describe('what is drawn of a log', () => {
  it('is all of the first page, and at its end whatever comes', () => {
    const drawn = drawnOf(stretch(71, 100, true), undefined)
    expect(shown(stretch(71, 103, true), drawnOf(stretch(71, 103, true), drawn))).toEqual([71, 103])
    expect(drawnOf(stretch(71, 103, true), drawn)).toBe(drawn)
    const nothing = drawnOf(stretch(1, 0, true), undefined)
    expect(drawnOf(stretch(1, 0, true), nothing)).toBe(nothing)
    expect(shown(stretch(1, 1, true), drawnOf(stretch(1, 1, true), nothing))).toEqual([1, 1])
  })

  it('is not what comes behind an end that is not there, nor what is left of another stretch', () => {
    const drawn = drawnOf(stretch(71, 100), undefined)
    expect(shown(stretch(71, 150), drawnOf(stretch(71, 150), drawn))).toEqual([71, 100])
    expect(shown(stretch(971, 1000, true), drawnOf(stretch(971, 1000, true), drawn))).toEqual([971, 1000])
    expect(tailOf(stretch(1, 100, true))).toEqual({ from: 71, to: Infinity })
  })

  it('grows by some rows, and lets go of as many at the other end where those are far from what is seen', () => {
    const log = stretch(1, 400, true)
    const more = withMore(log, tailOf(log), 'earlier', { cuts: false })
    expect(more).toEqual({ from: 371 - rowsAFrame, to: Infinity })
    let drawn = withMore(log, more, 'earlier', { cuts: true })
    expect(drawn).toEqual({ from: 371 - 2 * rowsAFrame, to: 400 - rowsAFrame })
    while (undrawn(log, drawn, 'earlier') > 0) {
      drawn = withMore(log, drawn, 'earlier', { cuts: true })
      expect(messagesOf(log, drawn).messages.length).toBeLessThanOrEqual(30 + rowsAFrame)
    }
    expect(drawn.from).toBe(1)
    expect(messagesOf(log, withMore(log, drawn, 'later', { cuts: true })).before?.messageNumber).toBe(
      rowsAFrame,
    )
    while (undrawn(log, drawn, 'later') > 0) drawn = withMore(log, drawn, 'later', { cuts: true })
    expect(drawn.to).toBe(Infinity)
  })

  it('keeps what has the keyboard', () => {
    const log = stretch(1, 400, true)
    const drawn = { from: 101, to: 300 }
    expect(withMore(log, drawn, 'earlier', { cuts: true, kept: 295 })).toEqual({ from: 89, to: 295 })
    expect(withMore(log, drawn, 'later', { cuts: true, kept: 103 })).toEqual({ from: 103, to: 312 })
  })

  it('is one stretch of the log, whatever becomes of that', () => {
    const change = fc.constantFrom('earlier', 'later', 'post', 'page', 'anew')
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        let [from, to] = [500, 529]
        let drawn = drawnOf(stretch(from, to, true), undefined)
        for (const what of changes) {
          if (what === 'post') to++
          else if (what === 'page') from = Math.max(1, from - 50)
          else if (what === 'anew') [from, to] = [to + 300, to + 329]
          else drawn = withMore(stretch(from, to, true), drawn, what, { cuts: drawn.from % 2 === 0 })
          const log = stretch(from, to, true)
          drawn = drawnOf(log, drawn)
          const [first = 0, last = 0] = shown(log, drawn)
          expect(first).toBeGreaterThanOrEqual(from)
          expect(last).toBeLessThanOrEqual(to)
          expect(undrawn(log, drawn, 'earlier') + undrawn(log, drawn, 'later')).toBe(
            log.messages.length - (last - first + 1),
          )
        }
      }),
    )
  })
})
