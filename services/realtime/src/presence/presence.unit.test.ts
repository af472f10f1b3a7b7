import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Reply } from '../protocol/replies.ts'
import { type Presence, type PresenceOptions, createPresence } from './presence.ts'

const roomId = 'r'

type Signal = Parameters<PresenceOptions['send']>[0]

interface SimulatedEdge {
  readonly presence: Presence
  /** What its clients were told of who came and went. */
  readonly told: string[]
  /** What it said to the others. */
  readonly said: Signal[]
}

/** Edges that hear each other, on a clock that a test moves. */
const simulate = (maxListed = 5) => {
  const clock = { at: 1_000_000 }
  const edges = new Map<string, SimulatedEdge>()
  const wire: Signal[] = []
  const lost = { next: 0 }

  const start = (edgeId: string): SimulatedEdge => {
    const told: string[] = []
    const said: Signal[] = []
    const presence = createPresence({
      edgeId,
      settings: { ttlMs: 15_000, maxListed, spreadMs: 500 },
      send(signal) {
        said.push(signal)
        if (lost.next > 0) lost.next--
        else wire.push(structuredClone(signal))
      },
      publish(channel, pushes: readonly Reply[]) {
        expect(channel).toBe('room:r/who')
        for (const push of pushes)
          if (push.type === 'joined' || push.type === 'left') told.push(`${push.type} ${push.info.client}`)
      },
      now: () => clock.at,
      random: () => 0.5,
    })
    const edge = { presence, told, said }
    edges.set(edgeId, edge)
    return edge
  }

  const deliver = (): void => {
    for (const signal of wire.splice(0))
      for (const { presence } of edges.values()) {
        if (signal.type === 'PresenceChanged') presence.onChange(signal.value)
        else presence.onEdge(signal.value)
      }
  }

  /** Lets time pass, a tick at a time; what is said in one is heard in the next. */
  const pass = (ms: number, asleep?: SimulatedEdge): void => {
    for (const end = clock.at + ms; clock.at < end; clock.at += 100) {
      for (const edge of edges.values()) if (edge !== asleep) edge.presence.tick()
      deliver()
    }
  }

  return { clock, edges, start, pass, wire, lost }
}

const clientsOf = ({ presence }: SimulatedEdge): string[] => Object.keys(presence.list(roomId) ?? {}).sort()
const enter = ({ presence }: SimulatedEdge, client: string, user = `user of ${client}`): void => {
  presence.enter(roomId, { user, client })
}
const leave = ({ presence }: SimulatedEdge, client: string): void => {
  presence.leave(roomId, client)
}
const changes = ({ said }: SimulatedEdge) =>
  said.flatMap((signal) => (signal.type === 'PresenceChanged' ? [signal.value] : []))

describe('presence', () => {
  it('comes to be the same at every edge that follows the room, and true', () => {
    const action = fc.record({
      edge: fc.constantFrom('a', 'b', 'c'),
      client: fc.integer({ min: 0, max: 1 }),
      pause: fc.constantFrom(0, 0, 100, 300, 1000),
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { edges, start, pass } = simulate(100)
        for (const name of ['a', 'b', 'c']) start(name)
        const there = new Map<string, string>()
        for (const { edge, client, pause } of actions) {
          const simulated = edges.get(edge)
          if (simulated === undefined) continue
          const name = `${edge}${client}`
          // Connections of all edges belong to few users.
          if (there.delete(name)) leave(simulated, name)
          else {
            there.set(name, edge)
            enter(simulated, name, `user ${client}`)
          }
          pass(pause)
        }
        pass(3000)
        for (const [edge, simulated] of edges) {
          const follows = [...there.values()].includes(edge)
          expect(clientsOf(simulated)).toEqual(follows ? [...there.keys()].sort() : [])
          const users = new Set([...there.keys()].map((name) => name.at(-1)))
          expect(simulated.presence.counts(roomId)).toEqual({
            clients: follows ? there.size : 0,
            users: follows ? users.size : 0,
          })
        }
      }),
      { seed: 7, numRuns: 300 },
    )
  })

  it('tells an edge that begins to follow a room who is there', () => {
    const { start, pass } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(a, '1')
    pass(2000)
    enter(b, '2')
    expect(clientsOf(b)).toEqual(['2'])
    pass(1000)
    expect(clientsOf(b)).toEqual(['1', '2'])
    expect(clientsOf(a)).toEqual(['1', '2'])
  })

  it('gathers what happens at once into one word', () => {
    const { start, pass } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(b, 'b')
    pass(2000)
    for (const client of ['1', '2', '3', '4']) enter(a, client)
    leave(a, '4')
    pass(2000)
    expect(changes(a)).toMatchObject([{ sequence: 1, complete: true, clients: ['1', '2', '3'], asks: true }])
    expect(b.told).toEqual(['joined b', 'joined 1', 'joined 2', 'joined 3'])
  })

  it('asks again when a word was lost', () => {
    const { start, pass, lost } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(a, '1')
    enter(b, 'b')
    pass(3000)
    lost.next = 1
    leave(a, '1')
    enter(a, '2')
    pass(400)
    expect(clientsOf(b)).toEqual(['1', 'b'])
    enter(a, '3')
    pass(3000)
    expect(clientsOf(b)).toEqual(['2', '3', 'b'])
    b.presence.doubt()
    pass(2000)
    expect(changes(b).filter(({ asks }) => asks)).toHaveLength(3)
  })

  it('forgets an edge that says nothing, and hears it out when it is back', () => {
    const { start, pass } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(a, '1')
    enter(b, 'b')
    pass(3000)
    pass(16_000, a)
    expect(clientsOf(b)).toEqual(['b'])
    expect(b.told).toContain('left 1')
    expect(clientsOf(a)).toEqual(['1', 'b'])
    pass(8000)
    expect(clientsOf(b)).toEqual(['1', 'b'])
    // It was asleep itself, and does not take the others for gone.
    expect(a.told).not.toContain('left b')
  })

  it('takes an edge at its last word, whatever of it comes later', () => {
    const { start, pass, wire } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(a, '1')
    enter(b, 'b')
    pass(3000)
    enter(a, '2')
    for (let n = 0; n < 6; n++) a.presence.tick()
    a.presence.close()
    // Of another partition: it overtakes.
    wire.reverse()
    pass(100, a)
    expect(clientsOf(b)).toEqual(['b'])
    pass(2000, a)
    expect(clientsOf(b)).toEqual(['b'])
  })

  it('only counts where there are too many to list', () => {
    const { start, pass } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(b, 'b')
    for (const client of ['1', '2', '3', '4', '5', '6']) enter(a, client, 'the same user')
    pass(2000)
    for (const edge of [a, b]) {
      expect(edge.presence.list(roomId)).toBeUndefined()
      expect(edge.presence.counts(roomId)).toEqual({ clients: 7, users: 2 })
    }
    expect(changes(a).at(-1)).toMatchObject({ listed: false, clients: [], clientCount: 6 })
    expect(b.told).toEqual(['joined b'])
    for (const client of ['4', '5', '6']) leave(a, client)
    pass(2000)
    expect(clientsOf(b)).toEqual(['1', '2', '3', 'b'])
  })

  it('does not tell of who came and went before anybody could see it', () => {
    const { start, pass } = simulate()
    const a = start('a')
    enter(a, '1')
    leave(a, '1')
    enter(a, '2')
    pass(100)
    expect(a.told).toEqual(['joined 2'])
    leave(a, '2')
    enter(a, '2')
    leave(a, '2')
    pass(100)
    expect(a.told).toEqual(['joined 2', 'left 2'])
  })

  it('knows when somebody was last there', () => {
    const { start, pass, clock } = simulate()
    const [a, b] = [start('a'), start('b')]
    enter(b, 'b', 'bob')
    enter(a, '1', 'ann')
    enter(a, '2', 'ann')
    pass(2000)
    leave(a, '1')
    pass(2000)
    expect(b.presence.lastSeen(roomId, ['ann', 'bob', 'cid'])).toEqual({ ann: clock.at, bob: clock.at })
    leave(a, '2')
    const left = clock.at
    pass(5000)
    const { ann = 0 } = b.presence.lastSeen(roomId, ['ann'])
    expect(ann).toBeGreaterThanOrEqual(left)
    expect(ann).toBeLessThan(left + 1000)
    expect(b.presence.lastSeen('another room', ['ann'])).toEqual({})
    expect(b.presence.counts('another room')).toEqual({ clients: 0, users: 0 })
    expect(b.presence.list('another room')).toEqual({})
  })
})
