import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newestVersion } from '../schemas.ts'
import { type RecordName } from '../topics.ts'

const folder = join(import.meta.dirname, '../../golden')

interface WrittenBytes {
  readonly type: 'Buffer'
  readonly data: readonly number[]
}

/** Bytes stand in the files as JSON.stringify writes a Buffer. */
const isBytes = (value: unknown): value is WrittenBytes =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value

/** What is shown for bytes that nobody but their owner's context opens. */
export const sealedText = (bytes: number): string => `sealed (${bytes} bytes)`

/** A record of its newest version, as the golden files have it, with what is sealed shown as sealed. */
export const sampleOf = (record: RecordName): unknown => {
  const file = join(folder, `${record}.v${newestVersion(record).version}.json`)
  const golden = JSON.parse(readFileSync(file, 'utf8'), (_key, value: unknown) =>
    isBytes(value) ? sealedText(value.data.length) : value,
  ) as { value: unknown }
  return golden.value
}
