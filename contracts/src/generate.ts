import { type types } from 'avsc'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newestVersion, schemaVersions } from './schemas.ts'

/** Where the generated types are kept, in version control, so that a reader and the type checker see them. */
export const generatedFile = join(import.meta.dirname, 'generated', 'records.ts')

interface AvroField {
  name: string
  doc?: string
  type: AvroType
}
type AvroType =
  string | AvroType[] | { type: AvroType; logicalType?: string; items?: AvroType; symbols?: string[] }

const docstring = (text: string | undefined, indent = '') => (text ? `${indent}/** ${text} */\n` : '')

/** @throws Error for a shape that no contract uses yet (maps, nested records): extend this when one does. */
export function typescriptType(type: AvroType): string {
  if (Array.isArray(type)) return type.map(typescriptType).join(' | ')
  if (typeof type === 'object') {
    if (type.type === 'array' && type.items !== undefined) return `readonly (${typescriptType(type.items)})[]`
    if (type.type === 'enum' && type.symbols) return type.symbols.map((symbol) => `'${symbol}'`).join(' | ')
    return typescriptType(type.type)
  }
  switch (type) {
    case 'null':
    case 'boolean':
    case 'string':
      return type
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'bytes':
      return 'Buffer'
    default:
      throw new Error(`no TypeScript type is known for the Avro type ${type}`)
  }
}

function recordInterface(name: string, type: types.RecordType): string {
  const { doc, fields } = type.schema({ exportAttrs: true }) as unknown as {
    doc?: string
    fields: AvroField[]
  }
  const lines = fields.map(
    (field) => `${docstring(field.doc, '  ')}  ${field.name}: ${typescriptType(field.type)}\n`,
  )
  return `${docstring(doc)}export interface ${name} {\n${lines.join('')}}\n`
}

/** The text of `generated/records.ts`: one interface a record, from its newest version. */
export function generateRecords(): string {
  const names = [...schemaVersions.keys()]
  return [
    '// Generated from contracts/schemas by contracts/src/generate.ts. Change the schemas, not this file.\n',
    ...names.map((name) => recordInterface(name, newestVersion(name).type)),
    `/** Every record that a topic can carry, by name. */\nexport interface Records {\n${names.map((name) => `  ${name}: ${name}\n`).join('')}}\n`,
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) writeFileSync(generatedFile, generateRecords())
