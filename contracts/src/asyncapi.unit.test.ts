import { describe, expect, it } from 'vitest'
import { asyncapi } from './asyncapi.ts'
import { newestVersion, parseSchema } from './schemas.ts'
import { topics, type Topic } from './topics.ts'

interface Reference {
  $ref: string
}
interface Document {
  asyncapi: string
  info: { title: string; version: string }
  channels: Record<string, { address: string; messages: Record<string, Reference> }>
  operations: Record<string, { action: string; channel: Reference; messages: Reference[] }>
  components: { messages: Record<string, { payload: { schemaFormat: string; schema: unknown } }> }
}

const document = asyncapi() as unknown as Document

function referencesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  )
}

const resolve = (pointer: string): unknown =>
  pointer
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document)

describe('the AsyncAPI document', () => {
  it('is of version 3.0 with the fields that it requires', () => {
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Veza topics', version: '0.1.0' } })
    const root = ['asyncapi', 'channels', 'components', 'defaultContentType', 'info', 'operations']
    expect(Object.keys(document).sort()).toEqual(root)
  })

  it('has a channel for every topic, and who sends and receives', () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual(
      Object.values<Topic>(topics).map(({ name }) => name),
    )
    const actions = Object.values(document.operations).map(
      ({ action, channel }) => `${action} ${channel.$ref}`,
    )
    expect(actions.sort()).toEqual(
      Object.keys(topics)
        .flatMap((name) => [`send #/channels/${name}`, `receive #/channels/${name}`])
        .sort(),
    )
  })

  it('has no reference that leads nowhere', () => {
    const references = referencesIn(document)
    expect(references.length).toBeGreaterThan(0)
    for (const reference of references) expect(resolve(reference), reference).toBeDefined()
  })

  it("lets operations name only their channel's messages", () => {
    for (const { channel, messages } of Object.values(document.operations))
      for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true)
  })

  it('carries each schema whole, as Avro', () => {
    for (const [name, { payload }] of Object.entries(document.components.messages)) {
      expect(payload.schemaFormat).toBe('application/vnd.apache.avro+json;version=1.9.0')
      expect(parseSchema(JSON.stringify(payload.schema)).name).toBe(newestVersion(name).type.name)
    }
  })
})
