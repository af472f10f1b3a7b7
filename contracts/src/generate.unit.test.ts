import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatedFile, generateRecords, typescriptType } from './generate.ts'

describe('generated types', () => {
  it('are what the schemas say today', () => {
    expect(readFileSync(generatedFile, 'utf8'), 'run: npx tsx contracts/src/generate.ts').toBe(
      generateRecords(),
    )
  })

  it.each([
    ['long', 'number'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 'number'],
    [['null', 'string'], 'null | string'],
    [{ type: 'array', items: ['int', 'bytes'] }, 'readonly (number | Buffer)[]'],
    [{ type: 'enum', symbols: ['public', 'private'] }, "'public' | 'private'"],
  ])('%j is %s', (avro, typescript) => {
    expect(typescriptType(avro)).toBe(typescript)
  })

  it('refuse what they have no words for', () => {
    expect(() => typescriptType({ type: 'map' })).toThrow('no TypeScript type is known for the Avro type map')
  })
})
