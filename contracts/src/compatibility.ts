import { parseSchema, type SchemaVersion } from './schemas.ts'

interface Field {
  name: string
  type: unknown
  default?: unknown
}

/** A version as compatibility sees it; released ones and drafts alike. */
export type CheckedVersion = Pick<SchemaVersion, 'record' | 'version' | 'text'>

const label = ({ record, version }: CheckedVersion) => `${record} v${version}`

const fieldsOf = ({ text }: CheckedVersion) =>
  new Map((JSON.parse(text) as { fields: Field[] }).fields.map((field) => [field.name, field]))

const logicalTypes = (type: unknown) =>
  JSON.stringify(type)
    .match(/"logicalType":"[^"]*"/g)
    ?.join() ?? ''

/** Rules that a resolver can't see or would say less clearly. */
function fieldProblems(older: CheckedVersion, newer: CheckedVersion): string[] {
  const [before, after] = [fieldsOf(older), fieldsOf(newer)]
  const problems: string[] = []
  for (const field of after.values())
    if (!before.has(field.name) && !('default' in field))
      problems.push(`${label(newer)} adds ${field.name} without a default: it could not read ${label(older)}`)
  for (const field of before.values()) {
    const successor = after.get(field.name)
    if (!successor) {
      if (!('default' in field))
        problems.push(`${label(newer)} lacks ${field.name}, which has no default in ${label(older)}`)
    } else if (logicalTypes(field.type) !== logicalTypes(successor.type))
      problems.push(`${label(newer)} gives ${field.name} another logical type than ${label(older)}`)
    else if (JSON.stringify(field.default) !== JSON.stringify(successor.default))
      problems.push(`${label(newer)} gives ${field.name} another default than ${label(older)}`)
  }
  return problems
}

function resolverProblem(reader: CheckedVersion, writer: CheckedVersion): string[] {
  try {
    parseSchema(reader.text).createResolver(parseSchema(writer.text))
    return []
  } catch (error) {
    return [
      `${label(reader)} can't read ${label(writer)}: ${error instanceof Error ? error.message : String(error)}`,
    ]
  }
}

/**
 * FULL_TRANSITIVE over the versions of one record, oldest first: each reads what any other wrote. Besides, a field
 * keeps its logical type and its default, since another one would change what stored records mean.
 * Gives one line a problem; none when all is well.
 */
export function checkCompatibility(versions: readonly CheckedVersion[]): string[] {
  return versions.flatMap((newer, index) =>
    versions.slice(0, index).flatMap((older) => {
      const problems = fieldProblems(older, newer)
      return problems.length > 0
        ? problems
        : [...resolverProblem(newer, older), ...resolverProblem(older, newer)]
    }),
  )
}
