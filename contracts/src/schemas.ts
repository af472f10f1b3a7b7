import avsc, { type types } from 'avsc'
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/** One released version of a record's schema, as its file says it. */
export interface SchemaVersion {
  /** Name without namespace, unique in the catalogue: `MessagePosted`. */
  readonly record: string
  readonly namespace: string
  /** From 1, without gaps. */
  readonly version: number
  /** The schema as one line of JSON: what is registered, and what is looked up. */
  readonly text: string
  /** Precompiled. Longs are JavaScript numbers; a long beyond 2^53 is refused. */
  readonly type: types.RecordType
}

const folder = join(import.meta.dirname, '..', 'schemas')
const fileName = /^(?<record>[A-Z][A-Za-z0-9]*)\.v(?<version>[1-9][0-9]*)\.avsc$/

/** @throws Error when the text is not an Avro record. */
export function parseSchema(text: string): types.RecordType {
  const type = avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { omitRecordMethods: true })
  if (!(type instanceof avsc.types.RecordType)) throw new Error('a contract is a record')
  return type
}

function readSchema(path: string): [string, types.RecordType] {
  try {
    const text = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
    return [text, parseSchema(text)]
  } catch (cause) {
    throw new Error(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function readVersion(path: string): SchemaVersion {
  const { record, version } = fileName.exec(basename(path))?.groups ?? {}
  if (record === undefined || version === undefined) throw new Error(`${path}: name it <Record>.v<N>.avsc`)
  const [text, type] = readSchema(path)
  const namespace = basename(join(path, '..'))
  if (type.name !== `${namespace}.${record}`) throw new Error(`${path}: holds ${String(type.name)}`)
  return { record, namespace, version: Number(version), text, type }
}

function readVersions(): ReadonlyMap<string, readonly SchemaVersion[]> {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.avsc'))
    .map((path) => readVersion(join(folder, path)))
    .sort((a, b) => a.record.localeCompare(b.record) || a.version - b.version)
  const records = new Map<string, SchemaVersion[]>()
  for (const schema of all) records.set(schema.record, [...(records.get(schema.record) ?? []), schema])
  for (const [record, versions] of records) {
    if (
      versions.some(
        (schema, index) => schema.version !== index + 1 || schema.namespace !== versions[0]?.namespace,
      )
    )
      throw new Error(`schemas of ${record}: versions count up from 1 in one namespace`)
  }
  return records
}

/** Every version of every record, oldest first, read once from `contracts/schemas/<namespace>/<Record>.v<N>.avsc`. */
export const schemaVersions = readVersions()

/** @throws Error when there is no such record. */
export function versionsOf(record: string): readonly SchemaVersion[] {
  const versions = schemaVersions.get(record)
  if (!versions) throw new Error(`no schema for a record named ${record}`)
  return versions
}

/** The version that writers write and readers read into. */
export function newestVersion(record: string): SchemaVersion {
  const newest = versionsOf(record).at(-1)
  if (!newest) throw new Error(`no schema for a record named ${record}`)
  return newest
}
