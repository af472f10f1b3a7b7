import { type ChatCommand } from '@veza/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type MessageEvent, type Outcome } from './event.ts'
import { type Command, evolve, type MessageState, posted, type RoomHead } from './message.ts'
import { openPolicy } from './policy.ts'
import { noReactions, reactionKey, type Reactions } from './reactions.ts'
import { settle, type StoredState } from './settle.ts'

const now = new Date('2026-11-22T18:00:00.000Z')
const later = new Date('2026-11-22T18:00:01.000Z')
const head: RoomHead = { epoch: 'e1', offset: 7, messageNumber: 5 }

type Fields<C = ChatCommand> = C extends ChatCommand ? Omit<C, 'clientMessageId'> : never

const command = (fields: Fields, clientMessageId: string, senderId = 'ana', roomId = 'r1'): Command => ({
  eventId: [roomId, senderId, clientMessageId].join(),
  roomId,
  senderId,
  clientMessageId,
  content: { ...fields, clientMessageId },
})
const text = (body: string, replyTo: string | null = null): Fields => ({
  type: 'message.post',
  body,
  replyTo,
  mentions: [],
  trackId: null,
  trackPositionMs: null,
})
const post = (clientMessageId = 'c1', body = 'hello') => command(text(body), clientMessageId)

const nothing: StoredState = {
  heads: new Map([['r1', head]]),
  memberOf: (_roomId, userId) =>
    userId === 'stranger' ? undefined : { role: 'member', mutedUntil: null, lastPostedAt: null },
  policyOf: () => openPolicy,
  outcomes: new Map(),
  messages: new Map(),
  reactions: noReactions,
}

describe('settle', () => {
  it('gives a command that comes twice in a chunk one outcome', () => {
    const { outcomes, events, heads } = settle([post(), post('c1', 'changed')], nothing, now)
    expect(outcomes[1]).toBe(outcomes[0])
    expect(events).toHaveLength(1)
    expect(heads.get('r1')).toEqual({ epoch: 'e1', offset: 8, messageNumber: 6 })
  })

  it('gives a stored command its stored outcome and no new number', () => {
    const [stored] = settle([post()], nothing, now).outcomes
    const outcomes = new Map(stored === undefined ? [] : [[stored.eventId, stored]])
    const again = settle([post()], { ...nothing, outcomes }, later)
    expect(again).toMatchObject({ outcomes: [stored], events: [], refused: [], heads: new Map() })
  })

  it('does not reconsider a refusal, whatever changed since', () => {
    const { outcomes } = settle([post()], { ...nothing, memberOf: () => undefined }, now)
    const stored = new Map(outcomes.map((outcome) => [outcome.eventId, outcome]))
    expect(settle([post()], { ...nothing, outcomes: stored }, later).outcomes).toEqual(outcomes)
  })

  it('lets a command be about a message of the same chunk', () => {
    const message = post()
    const messageId = message.eventId
    const { outcomes, changed, replies, reactions, heads } = settle(
      [
        message,
        command({ type: 'message.edit', messageId, body: 'ho', mentions: ['ben'] }, 'c2'),
        command({ type: 'reaction.add', messageId, reaction: '🎧' }, 'c3', 'ben'),
        command({ type: 'reaction.add', messageId, reaction: '🎧' }, 'c4', 'ana'),
        command({ type: 'reaction.remove', messageId, reaction: '🎧' }, 'c5', 'ben'),
        command(text('a reply', messageId), 'c6', 'ben'),
        command({ type: 'message.edit', messageId, body: 'hi', mentions: [] }, 'c7', 'ben'),
      ],
      nothing,
      now,
    )
    expect(outcomes.map((outcome) => (outcome.type === 'refused' ? outcome.code : outcome.offset))).toEqual([
      8,
      9,
      10,
      11,
      12,
      13,
      'not-author',
    ])
    expect(changed.get(messageId)).toMatchObject({ edit: { body: 'ho', at: now }, mentions: ['ben'] })
    expect(replies).toEqual(new Map([[messageId, 1]]))
    expect(reactions).toEqual([
      { messageId, reaction: '🎧', userId: 'ben', present: false, count: 1 },
      { messageId, reaction: '🎧', userId: 'ana', present: true, count: 1 },
    ])
    expect(heads.get('r1')).toEqual({ epoch: 'e1', offset: 13, messageNumber: 7 })
  })

  it('numbers every room densely, in order, whatever the chunks, repetitions and commands', () => {
    const rooms = ['r1', 'r2', 'nowhere']
    const names = ['1', '2', '3', '4', '5', '6', '7', '8']
    const people = ['ana', 'ben', 'stranger']
    const messageId = fc
      .tuple(fc.constantFrom(...rooms), fc.constantFrom(...people), fc.constantFrom(...names))
      .map((parts) => parts.join())
    const fields: fc.Arbitrary<Fields> = fc.oneof(
      { weight: 3, arbitrary: fc.option(messageId).map((replyTo) => text('hello', replyTo)) },
      messageId.map((id): Fields => ({ type: 'message.edit', messageId: id, body: 'ho', mentions: [] })),
      messageId.map((id): Fields => ({ type: 'message.delete', messageId: id })),
      fc.record({
        type: fc.constantFrom('reaction.add' as const, 'reaction.remove' as const),
        messageId,
        reaction: fc.constantFrom('🎧', '+1'),
      }),
    )
    const anyCommand = fc
      .tuple(fields, fc.constantFrom(...names), fc.constantFrom(...people), fc.constantFrom(...rooms))
      .map((parts) => command(...parts))
    const chunks = fc.array(fc.array(anyCommand, { maxLength: 30 }), { maxLength: 8 })

    fc.assert(
      fc.property(chunks, (input) => {
        const heads = new Map<string, RoomHead>(
          rooms.slice(0, 2).map((id) => [id, { epoch: id, offset: 0, messageNumber: 0 }]),
        )
        const outcomes = new Map<string, Outcome>()
        const messages = new Map<string, MessageState>()
        const present = new Map<string, { messageId: string; reaction: string }>()
        const log: MessageEvent[] = []
        const countsNow = (): Reactions => {
          const counts = new Map<string, Map<string, number>>()
          for (const { messageId: id, reaction } of present.values()) {
            const known = counts.get(id) ?? new Map<string, number>()
            counts.set(id, known.set(reaction, (known.get(reaction) ?? 0) + 1))
          }
          return { counts, has: (reaction) => present.has(reactionKey(reaction)) }
        }
        for (const chunk of input) {
          const stored = { ...nothing, heads, outcomes, messages, reactions: countsNow() }
          const settled = settle(chunk, stored, now)
          expect(settled.outcomes.map((outcome) => outcome.eventId)).toEqual(chunk.map((c) => c.eventId))
          for (const outcome of settled.outcomes) {
            const known = outcomes.get(outcome.eventId)
            if (known !== undefined) expect(outcome).toBe(known)
          }
          // What is stored is what the events say, one by one, whatever chunk they came in.
          for (const event of settled.events) {
            log.push(event)
            if (event.type === 'posted') messages.set(event.eventId, posted(event))
            else {
              const about = messages.get(event.messageId)
              expect(about?.roomId).toBe(event.roomId)
              expect(about?.deletedAt).toBeNull()
              if (about !== undefined) messages.set(event.messageId, evolve(about, event))
            }
            if (event.type === 'reaction-added' || event.type === 'reaction-removed') {
              const reaction = {
                messageId: event.messageId,
                reaction: event.reaction,
                userId: event.senderId,
              }
              const key = reactionKey(reaction)
              expect(present.has(key)).toBe(event.type === 'reaction-removed')
              if (event.type === 'reaction-added') present.set(key, reaction)
              else present.delete(key)
              expect(event.count).toBe(countsNow().counts.get(event.messageId)?.get(event.reaction) ?? 0)
            }
          }
          for (const [id, message] of settled.changed) expect(message).toEqual(messages.get(id))
          for (const change of settled.reactions) {
            expect(present.has(reactionKey(change))).toBe(change.present)
            expect(change.count).toBe(countsNow().counts.get(change.messageId)?.get(change.reaction) ?? 0)
          }
          for (const outcome of settled.outcomes) outcomes.set(outcome.eventId, outcome)
          for (const [roomId, next] of settled.heads) heads.set(roomId, next)
        }
        for (const [roomId, last] of heads) {
          const events = log.filter((event) => event.roomId === roomId)
          const posts = events.flatMap((event) => (event.type === 'posted' ? [event.messageNumber] : []))
          expect(events.map((event) => event.offset)).toEqual(events.map((_, index) => index + 1))
          expect(posts).toEqual(posts.map((_, index) => index + 1))
          expect(last).toMatchObject({ offset: events.length, messageNumber: posts.length })
        }
      }),
      { seed: 20261122, numRuns: 300 },
    )
  })
})
