import { describe, expect, it } from 'vitest'
import { schemaVersions } from '../schemas.ts'
import { type RecordName } from '../topics.ts'
import { docOf, fieldsOf, withoutNull } from './fields.ts'
import { impersonal, personalMarks, units } from './marks.ts'

const records = [...schemaVersions.keys()] as RecordName[]
const fields = records.flatMap((record) => fieldsOf(record).map((field) => ({ record, ...field })))
const label = ({ record, name }: { record: string; name: string }) => `${record}.${name}`

describe('fields', () => {
  it('have docs, and so have records', () => {
    expect(fields.filter(({ doc }) => doc.length === 0).map(label)).toEqual([])
    expect(records.filter((record) => docOf(record).length === 0)).toEqual([])
  })

  it('that are numbers have units', () => {
    const numbers = fields.filter(({ form }) => /^(int|long|float|double|timestamp)/.test(form))
    expect(numbers.filter(({ unit }) => unit === undefined).map(label)).toEqual([])
  })

  it('that are texts or ids are known to be about people, or not to be', () => {
    const texts = fields.filter(({ form }) => /^(string|uuid|bytes|array)/.test(form))
    const unknown = texts.filter(({ name, personal }) => personal === undefined && !impersonal.has(name))
    expect(unknown.map(label)).toEqual([])
  })

  it('are sealed where their docs say so, and where they are bytes', () => {
    const sealed = fields.filter(({ personal }) => personal === 'sealed').map(label)
    expect(fields.filter(({ doc }) => /sealed/i.test(doc)).map(label)).toEqual(sealed)
    expect(fields.filter(({ form }) => form.startsWith('bytes')).map(label)).toEqual(sealed)
  })

  it('are all that is marked', () => {
    const names = new Set(fields.flatMap((field) => [field.name, label(field)]))
    const marked = [...Object.keys(personalMarks), ...impersonal, ...Object.keys(units)]
    expect(marked.filter((name) => !names.has(name))).toEqual([])
  })

  it('say by which version they came, and whether they can be null', () => {
    expect(fieldsOf('ListeningReported').map(({ name, form, since }) => [name, form, since])).toEqual([
      ['trackId', 'uuid', 1],
      ['sessionId', 'uuid', 1],
      ['listenerId', 'uuid', 1],
      ['positionMs', 'long', 1],
      ['state', 'string', 1],
      ['reportedAt', 'timestamp-millis', 1],
      ['durationMs', 'long', 2],
      ['ownerId', 'uuid or null', 2],
      ['addressTag', 'uuid or null', 2],
    ])
    expect(fieldsOf('PlaylistTracksChanged').find(({ name }) => name === 'trackIds')?.form).toBe(
      'array of uuid',
    )
    expect(() => withoutNull(['null', 'string', 'long'])).toThrow('more than null and one type')
  })
})
