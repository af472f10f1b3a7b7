import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decidePair,
  evolvePair,
  type Pair,
  type PairCommand,
  type PairEvent,
  sideOf,
  strangers,
} from './pair.ts'
import { Rejection } from './rejection.ts'

const [ana, bob] = ['a', 'b']
const at = new Date('2026-11-24T12:00:00Z')
const between = (actorId: string) => ({ actorId, otherId: actorId === ana ? bob : ana })

const after = (...events: readonly PairEvent[]): Pair => events.reduce(evolvePair, strangers)
const run = (pair: Pair, command: PairCommand) => decidePair(command, pair, at)

describe('two people', () => {
  it('are the same two from both sides', () => {
    const pair = after({ type: 'follow-started', followerId: ana, followeeId: bob, at })
    expect(sideOf(pair, ana).follow).toBe('following')
    expect(sideOf(pair, bob).follow).toBe('none')
  })

  it('a request that is repeated once the account is open stays a request', () => {
    const pair = after({ type: 'follow-requested', followerId: ana, followeeId: bob, at })
    expect(run(pair, { type: 'follow', needsApproval: false, ...between(ana) })).toEqual([])
  })

  const commands = fc.array(
    fc.record({
      actorId: fc.constantFrom(ana, bob),
      type: fc.constantFrom('follow', 'unfollow', 'accept', 'remove-follower', 'block', 'unblock'),
      needsApproval: fc.boolean(),
    }),
    { maxLength: 40 },
  )

  /** Every history that the commands can bring about, a state after each. */
  const histories = (check: (pair: Pair, events: PairEvent[], command: PairCommand) => void) => {
    fc.assert(
      fc.property(commands, (steps) => {
        let pair = strangers
        for (const { actorId, type, needsApproval } of steps) {
          const command = { type, needsApproval, ...between(actorId) } as PairCommand
          let events: PairEvent[] = []
          try {
            events = run(pair, command)
          } catch (error) {
            expect(error).toBeInstanceOf(Rejection)
          }
          pair = events.reduce(evolvePair, pair)
          check(pair, events, command)
        }
      }),
      { seed: 20261124, numRuns: 500 },
    )
  }

  it('never follow each other across a block', () => {
    histories((pair) => {
      const sides = [sideOf(pair, ana), sideOf(pair, bob)]
      if (sides.some(({ blocks }) => blocks))
        expect(sides.map(({ follow }) => follow)).toEqual(['none', 'none'])
    })
  })

  it('are told of a change once: what is done again gives no event', () => {
    histories((pair, events, command) => {
      if (events.length > 0 && command.type !== 'accept') expect(run(pair, command)).toEqual([])
    })
  })

  it('begin to follow without being asked only where nobody has to be asked', () => {
    histories((_, events, command) => {
      if (command.type === 'follow' && command.needsApproval)
        expect(events.map(({ type }) => type)).not.toContain('follow-started')
    })
  })
})
