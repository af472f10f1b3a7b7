import { describe, expect, it } from 'vitest'
import { schemaVersions } from './schemas.ts'
import { deadLetterTopic, subjectOf, topics, type Topic } from './topics.ts'

const catalogue = Object.values<Topic>(topics)

describe('the catalogue', () => {
  it('names every topic once', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length)
  })

  it('has a schema for every record and a topic for every schema', () => {
    const carried = new Set(catalogue.flatMap(({ records }) => records))
    expect([...carried].sort()).toEqual([...schemaVersions.keys()].sort())
  })

  it('has a dead-letter topic for every group that is a worker', () => {
    const names = catalogue.map(({ name }) => name)
    const edges = new Set(['realtime', 'users', 'tracks', 'data teams', 'operators'])
    for (const group of new Set(catalogue.flatMap(({ readers }) => readers)))
      if (!edges.has(group)) expect(names).toContain(deadLetterTopic(group))
  })

  it('names subjects by topic and record', () => {
    expect(subjectOf(topics.chatEvents, 'MessagePosted')).toBe('chat.events.v1-veza.chat.MessagePosted')
  })
})
