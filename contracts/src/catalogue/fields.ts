import { newestVersion, versionsOf } from '../schemas.ts'
import { type RecordName } from '../topics.ts'
import { type PersonalMark, personalMarks, units } from './marks.ts'

/** A type of Avro as a schema's JSON has it. */
export type AvroType =
  | string
  | readonly AvroType[]
  | { readonly type: AvroType; readonly logicalType?: string; readonly items?: AvroType }

/** What a record's field is, as its newest version has it. */
export interface FieldOf {
  readonly name: string
  readonly type: AvroType
  /** Such as `uuid`, `array of string`, or `long or null`. */
  readonly form: string
  readonly doc: string
  /** The version that brought it. */
  readonly since: number
  /** Of numbers: `ms`, `count`, `number` and the like. */
  readonly unit?: string
  readonly personal?: PersonalMark
}

interface Declared {
  readonly name: string
  readonly type: AvroType
  readonly doc: string
}

const declaredIn = (text: string): readonly Declared[] =>
  (JSON.parse(text) as { fields: readonly Declared[] }).fields

const isUnion = (type: AvroType): type is readonly AvroType[] => Array.isArray(type)

/** The type without its null, and whether it had one. */
export const withoutNull = (type: AvroType): { readonly type: AvroType; readonly nullable: boolean } => {
  if (!isUnion(type)) return { type, nullable: false }
  const [only, ...more] = type.filter((one) => one !== 'null')
  if (only === undefined || more.length > 0) throw new Error(`a union of more than null and one type`)
  return { type: only, nullable: type.length > 1 }
}

const formOf = (type: AvroType): string => {
  const { type: inner, nullable } = withoutNull(type)
  const suffix = nullable ? ' or null' : ''
  if (typeof inner === 'string') return inner + suffix
  if (isUnion(inner)) throw new Error('a union in a union')
  if (inner.type === 'array' && inner.items !== undefined) return `array of ${formOf(inner.items)}${suffix}`
  return (inner.logicalType ?? formOf(inner.type)) + suffix
}

const isNumber = (form: string): boolean => /^(int|long|float|double)/.test(form)

const unitOf = (label: string, name: string, form: string): string | undefined => {
  if (form.startsWith('timestamp-millis')) return 'ms since 1970-01-01 UTC'
  return isNumber(form) ? (units[label] ?? units[name]) : undefined
}

const markOf = (label: string, name: string, form: string): PersonalMark | undefined =>
  isNumber(form) ? undefined : (personalMarks[label] ?? personalMarks[name])

/** The fields of a record. @throws Error for a shape that no contract uses yet */
export const fieldsOf = (record: RecordName): FieldOf[] =>
  declaredIn(newestVersion(record).text).map(({ name, type, doc }) => {
    const form = formOf(type)
    const since = versionsOf(record).find(({ text }) => declaredIn(text).some((one) => one.name === name))
    const label = `${record}.${name}`
    const [unit, personal] = [unitOf(label, name, form), markOf(label, name, form)]
    return {
      ...{ name, type, form, doc, since: since?.version ?? 1 },
      ...(unit !== undefined && { unit }),
      ...(personal !== undefined && { personal }),
    }
  })

/** What a record is, one sentence or more. */
export const docOf = (record: RecordName): string =>
  (JSON.parse(newestVersion(record).text) as { doc: string }).doc
