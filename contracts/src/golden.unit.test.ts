import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newestVersion, schemaVersions } from './schemas.ts'

interface Golden {
  schemaSha256: string
  value: Record<string, unknown>
  hex: string
}

/** Bytes stand in the files as JSON.stringify writes a Buffer. */
const reviveBytes = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
    ? Buffer.from(value.data as number[])
    : value

const folder = join(import.meta.dirname, '..', 'golden')
const golden = new Map(
  readdirSync(folder).map((file) => [
    file.replace(/\.json$/, ''),
    JSON.parse(readFileSync(join(folder, file), 'utf8'), reviveBytes) as Golden,
  ]),
)
const versions = [...schemaVersions.values()].flat()
const nameOf = ({ record, version }: { record: string; version: number }) => `${record}.v${version}`

// Files in golden/ are written by hand, once, when a version is released. Nothing writes them again.
describe('released versions', () => {
  it('have golden bytes each, and none is gone', () => {
    expect([...golden.keys()].sort()).toEqual(versions.map(nameOf).sort())
  })

  it.each(versions)('$record v$version is as it was released, its docs too', (schema) => {
    const sha256 = createHash('sha256').update(schema.text).digest('hex')
    expect(sha256, 'a released schema is never edited: add a version').toBe(
      golden.get(nameOf(schema))?.schemaSha256,
    )
  })

  it.each(versions)('$record v$version writes the bytes that it always wrote', (schema) => {
    const { value, hex } = golden.get(nameOf(schema)) ?? {}
    expect(schema.type.toBuffer(value).toString('hex')).toBe(hex)
  })

  it.each(versions)(
    'what $record v$version wrote is read by every version, the newest among them',
    (writer) => {
      const { value, hex = '' } = golden.get(nameOf(writer)) ?? {}
      const read = (reader: (typeof versions)[number]): unknown =>
        reader.type.fromBuffer(Buffer.from(hex, 'hex'), reader.type.createResolver(writer.type))
      const newest = read(newestVersion(writer.record))
      expect(newest).toMatchObject(value ?? {})
      for (const reader of versions.filter(({ record }) => record === writer.record))
        expect(read(reader)).toEqual(
          Object.fromEntries(
            reader.type.fields.map(({ name }) => [name, (newest as Record<string, unknown>)[name]]),
          ),
        )
    },
  )

  it('tells whoever reads UserRegistered as version 1 an empty name where version 2 sealed it (ADR 35)', () => {
    const [v1, v2] = schemaVersions.get('UserRegistered') ?? []
    const bytes = Buffer.from(golden.get('UserRegistered.v2')?.hex ?? '', 'hex')
    const read = v1 && v2 && (v1.type.fromBuffer(bytes, v1.type.createResolver(v2.type)) as object)
    expect(read).toMatchObject({ displayName: '' })
    expect(read).not.toHaveProperty('sealedName')
  })

  it('reads messages from before they were counted as number 0', () => {
    const v1 = schemaVersions.get('MessagePosted')?.[0]
    const bytes = Buffer.from(golden.get('MessagePosted.v1')?.hex ?? '', 'hex')
    const { type } = newestVersion('MessagePosted')
    expect(v1 && type.fromBuffer(bytes, type.createResolver(v1.type))).toMatchObject({ messageNumber: 0 })
  })
})
