import { describe, expect, it } from 'vitest'
import { checkCompatibility, type CheckedVersion } from './compatibility.ts'
import { schemaVersions } from './schemas.ts'

const draft = (version: number, fields: readonly object[]): CheckedVersion => ({
  record: 'Draft',
  version,
  text: JSON.stringify({ type: 'record', name: 'Draft', namespace: 'veza.test', fields }),
})
const id = { name: 'id', type: 'string' }
const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }
const count = { name: 'count', type: 'long', default: 0 }
const colour = (symbols: string[]) => ({
  name: 'colour',
  type: { type: 'enum', name: 'Colour', symbols, default: 'none' },
})

describe('the schemas in this repository', () => {
  it.each([...schemaVersions])('every version of %s reads every other', (_record, versions) => {
    expect(checkCompatibility(versions)).toEqual([])
  })
})

describe('an edit that breaks nobody', () => {
  it.each([
    ['adds a field with a default', [draft(1, [id]), draft(2, [id, count])]],
    ['removes a field that had a default', [draft(1, [id, count]), draft(2, [id])]],
    ['moves a field', [draft(1, [id, at]), draft(2, [at, id])]],
    [
      'adds a symbol to an enum that has a default',
      [draft(1, [colour(['none'])]), draft(2, [colour(['none', 'red'])])],
    ],
  ])('%s', (_what, versions) => {
    expect(checkCompatibility(versions)).toEqual([])
  })
})

describe('an incompatible edit is found', () => {
  it.each([
    [
      'a field removed that had no default',
      [draft(1, [id, at]), draft(2, [id])],
      /v2 lacks at, which has no default in/,
    ],
    ['a new field without a default', [draft(1, [id]), draft(2, [id, at])], /v2 adds at without a default/],
    ['another type', [draft(1, [id]), draft(2, [{ ...id, type: 'long' }])], /Draft v2 can't read Draft v1/],
    [
      'a widened type',
      [draft(1, [{ ...at, type: 'int' }]), draft(2, [{ ...at, type: 'long' }])],
      /v1 can't read Draft v2/,
    ],
    [
      'a type made nullable',
      [draft(1, [id]), draft(2, [{ ...id, type: ['null', 'string'] }])],
      /v1 can't read Draft v2/,
    ],
    [
      'another logical type',
      [draft(1, [at]), draft(2, [{ ...at, type: { type: 'long', logicalType: 'timestamp-micros' } }])],
      /gives at another logical type/,
    ],
    [
      'another default',
      [draft(1, [count]), draft(2, [{ ...count, default: 1 }])],
      /gives count another default/,
    ],
    [
      'a default taken away',
      [draft(1, [count]), draft(2, [{ ...count, default: undefined }])],
      /gives count another default/,
    ],
    [
      'a field renamed',
      [draft(1, [id]), draft(2, [{ ...id, name: 'key' }])],
      /v2 adds key without a default/,
    ],
    [
      'a record renamed',
      [draft(1, [id]), { ...draft(2, [id]), text: draft(2, [id]).text.replace('"Draft"', '"Sketch"') }],
      /Draft v2 can't read Draft v1/,
    ],
  ])('%s', (_what, versions, problem) => {
    expect(checkCompatibility(versions).join('\n')).toMatch(problem)
  })

  it('between versions that are not neighbours', () => {
    const typed = (type: string) => ({ name: 'extra', type, default: type === 'long' ? 0 : '' })
    const problems = checkCompatibility([
      draft(1, [id, typed('long')]),
      draft(2, [id]),
      draft(3, [id, typed('string')]),
    ])
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.every((problem) => problem.startsWith('Draft v3') && problem.includes('Draft v1'))).toBe(
      true,
    )
  })
})
