import { describe, expect, it } from 'vitest'
import { createLedger } from './ledger.ts'

const clean = { lost: 0, duplicated: 0, outOfOrder: 0, disagreed: 0, foreign: 0, half: 0 }

/** Two rooms with two subscribers each; messages 0 and 1 sent to room 0. */
const given = () => {
  const ledger = createLedger(10, [2, 2])
  for (const room of [0, 1]) for (const member of [0, 1]) ledger.starts(room, member, 0)
  ledger.sent(0, 0)
  ledger.sent(1, 0)
  return ledger
}

describe('the ledger', () => {
  it('finds nothing wrong when each message reaches each subscriber once, in one order', () => {
    const ledger = given()
    for (const member of [0, 1]) {
      expect(ledger.delivered(0, member, 1, 1)).toBe(true)
      expect(ledger.delivered(0, member, 2, 0)).toBe(true)
    }
    ledger.acknowledged(0)
    ledger.acknowledged(1)
    expect(ledger.violations()).toEqual(clean)
    expect(ledger.totals()).toEqual({ sent: 2, acknowledged: 2, refused: 0, abandoned: 0, delivered: 4 })
    expect([...ledger.order(0)]).toEqual([
      [1, 1],
      [2, 0],
    ])
  })

  it('owes what was acknowledged and did not arrive, whichever came first', () => {
    const ledger = given()
    ledger.delivered(0, 0, 1, 0)
    expect(ledger.owed).toBe(0)
    ledger.acknowledged(0)
    expect(ledger.owed).toBe(1)
    ledger.delivered(0, 1, 1, 0)
    expect(ledger.owed).toBe(0)
    ledger.acknowledged(1)
    expect(ledger.violations()).toEqual({ ...clean, lost: 2 })
    expect(ledger.unanswered).toBe(0)
  })

  it('owes nothing for what was refused or never answered', () => {
    const ledger = given()
    ledger.refused(0)
    expect(ledger.unanswered).toBe(1)
    expect(ledger.owed).toBe(0)
  })

  it('counts a message that comes twice, also under a new offset', () => {
    const ledger = given()
    ledger.delivered(0, 0, 1, 0)
    expect(ledger.delivered(0, 0, 2, 0)).toBe(false)
    expect(ledger.violations()).toEqual({ ...clean, duplicated: 1 })
  })

  it('counts a gap and what comes late', () => {
    const ledger = given()
    expect(ledger.delivered(0, 0, 2, 1)).toBe(false)
    expect(ledger.delivered(0, 0, 1, 0)).toBe(false)
    expect(ledger.violations()).toEqual({ ...clean, outOfOrder: 2 })
    expect(ledger.position(0, 0)).toBe(2)
  })

  it('counts subscribers that see different messages at one offset', () => {
    const ledger = given()
    ledger.delivered(0, 0, 1, 0)
    ledger.delivered(0, 1, 1, 1)
    expect(ledger.violations()).toEqual({ ...clean, disagreed: 1 })
  })

  it('counts what nobody sent, or sent elsewhere', () => {
    const ledger = given()
    ledger.delivered(0, 0, 1, 7)
    ledger.delivered(1, 0, 1, 0)
    expect(ledger.violations()).toEqual({ ...clean, foreign: 2 })
  })

  it('counts what was given up and reached some, not what reached all or none', () => {
    const ledger = given()
    ledger.sent(2, 0)
    for (const message of [0, 1, 2]) ledger.abandoned(message)
    for (const member of [0, 1]) ledger.delivered(0, member, 1, 0)
    expect(ledger.violations()).toEqual(clean)
    expect([ledger.unanswered, ledger.owed]).toEqual([0, 0])
    ledger.delivered(0, 0, 2, 1)
    expect(ledger.violations()).toEqual({ ...clean, half: 1 })
    expect([ledger.reachedAll(0), ledger.reachedAll(1)]).toEqual([true, false])
  })

  it('goes on from where the first subscription stood', () => {
    const ledger = createLedger(1, [1])
    ledger.starts(0, 0, 41)
    ledger.starts(0, 0, 99)
    ledger.sent(0, 0)
    expect(ledger.delivered(0, 0, 42, 0)).toBe(true)
  })
})
