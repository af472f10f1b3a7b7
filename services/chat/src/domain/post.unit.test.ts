import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, type Outcome, type Post, type RoomHead, settle, type StoredState } from './post.ts'

const now = new Date('2026-11-22T18:00:00.000Z')
const later = new Date('2026-11-22T18:00:01.000Z')
const head: RoomHead = { epoch: 'e1', offset: 7, messageNumber: 5 }
const post = (change: Partial<Post> = {}): Post => ({
  messageId: 'm1',
  roomId: 'r1',
  senderId: 'ana',
  clientMessageId: 'c1',
  body: 'hello',
  ...change,
})

describe('decide', () => {
  it('given a member, numbers the post after the last event and the last message', () => {
    expect(decide(post(), head, true, now)).toEqual({
      type: 'posted',
      ...post(),
      epoch: 'e1',
      offset: 8,
      messageNumber: 6,
      postedAt: now,
    })
  })

  it.each([
    ['an unknown room', post(), undefined, false, 'room-not-found'],
    ['a stranger', post(), head, false, 'not-a-member'],
    ['a body that an edge let through', post({ body: 'x'.repeat(4_001) }), head, true, 'body-too-long'],
    ['a body of white space', post({ body: ' \n' }), head, true, 'body-empty'],
    ['no clientMessageId', post({ clientMessageId: '' }), head, true, 'invalid-client-message-id'],
  ])('given %s, refuses', (_what, command, room, isMember, code) => {
    const { messageId, roomId, senderId, clientMessageId } = command
    expect(decide(command, room, isMember, now)).toEqual({
      type: 'refused',
      messageId,
      roomId,
      senderId,
      clientMessageId,
      code,
      refusedAt: now,
    })
  })
})

const nothing: StoredState = { heads: new Map([['r1', head]]), isMember: () => true, outcomes: new Map() }

describe('settle', () => {
  it('gives a command that comes twice in a chunk one outcome', () => {
    const { outcomes, posted, heads } = settle([post(), post({ body: 'changed' })], nothing, now)
    expect(outcomes[1]).toBe(outcomes[0])
    expect(posted).toHaveLength(1)
    expect(heads.get('r1')).toEqual({ epoch: 'e1', offset: 8, messageNumber: 6 })
  })

  it('gives a stored command its stored outcome and no new number', () => {
    const [stored] = settle([post()], nothing, now).outcomes
    expect(stored).toBeDefined()
    const outcomes = new Map(stored === undefined ? [] : [[stored.messageId, stored]])
    const again = settle([post()], { ...nothing, outcomes }, later)
    expect(again).toEqual({ outcomes: [stored], posted: [], refused: [], heads: new Map() })
  })

  it('does not reconsider a refusal, whatever changed since', () => {
    const { outcomes } = settle([post()], { ...nothing, isMember: () => false }, now)
    const stored = new Map(outcomes.map((outcome) => [outcome.messageId, outcome]))
    expect(settle([post()], { ...nothing, outcomes: stored }, later).outcomes).toEqual(outcomes)
  })

  it('numbers every room densely, in order, whatever the chunks and repetitions', () => {
    const rooms = ['r1', 'r2', 'r3', 'nowhere']
    const command = fc.record({
      roomId: fc.constantFrom(...rooms),
      senderId: fc.constantFrom('ana', 'ben', 'stranger'),
      clientMessageId: fc.constantFrom('1', '2', '3', '4', '5'),
      body: fc.constantFrom('hello', '', 'x'.repeat(4_001)),
    })
    const chunks = fc.array(fc.array(command, { maxLength: 30 }), { maxLength: 8 })
    fc.assert(
      fc.property(chunks, (input) => {
        const heads = new Map<string, RoomHead>(
          rooms.slice(0, 3).map((id) => [id, { epoch: id, offset: 0, messageNumber: 0 }]),
        )
        const outcomes = new Map<string, Outcome>()
        const isMember = (_roomId: string, userId: string) => userId !== 'stranger'
        const log: Outcome[] = []
        for (const chunk of input) {
          const posts = chunk.map((entry) => ({
            ...entry,
            messageId: [entry.roomId, entry.senderId, entry.clientMessageId].join(),
          }))
          const settled = settle(posts, { heads, outcomes, isMember }, now)
          expect(settled.outcomes.map((outcome) => outcome.messageId)).toEqual(posts.map((p) => p.messageId))
          for (const outcome of settled.outcomes) {
            const known = outcomes.get(outcome.messageId)
            if (known !== undefined) expect(outcome).toBe(known)
            outcomes.set(outcome.messageId, outcome)
          }
          log.push(...settled.posted, ...settled.refused)
          for (const [roomId, next] of settled.heads) heads.set(roomId, next)
        }
        expect(new Set(log.map((outcome) => outcome.messageId)).size).toBe(log.length)
        expect(log).toHaveLength(outcomes.size)
        for (const [roomId, last] of heads) {
          const events = log.flatMap((o) => (o.type === 'posted' && o.roomId === roomId ? [o] : []))
          expect(events.map((event) => event.offset)).toEqual(events.map((_, index) => index + 1))
          expect(events.map((event) => event.messageNumber)).toEqual(events.map((_, index) => index + 1))
          expect(last.offset).toBe(events.length)
        }
      }),
      { seed: 20261122, numRuns: 200 },
    )
  })
})
