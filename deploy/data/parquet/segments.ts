import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Offsets of one partition, from the first to the one after the last. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Offsets whose records are exported, and in which files. */
export interface Segment extends Span {
  readonly partition: number
  /** Rows in the files: without tombstones and what could not be read. */
  readonly rows: number
  /** Records that are in no file, by the reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** Of the broker, epoch milliseconds; null where there are no rows. */
  readonly firstAt: number | null
  readonly lastAt: number | null
  /** Paths below the export's folder. */
  readonly files: readonly string[]
}

/** In the names of files and segments. */
export const spanName = ({ partition, from, to }: Span & { readonly partition: number }): string =>
  `p${partition}-${String(from).padStart(12, '0')}-${String(to).padStart(12, '0')}`

const folderOf = (folder: string): string => join(folder, '_segments')

/** The segments of an export, by partition and offset. */
export const readSegments = (folder: string): Segment[] => {
  const segments = folderOf(folder)
  if (!existsSync(segments)) return []
  return readdirSync(segments)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(segments, name), 'utf8')) as Segment)
    .sort((one, other) => one.partition - other.partition || one.from - other.from)
}

/** Written last: files without a segment are those of an export that was killed. */
export const writeSegment = (folder: string, segment: Segment): void => {
  const segments = folderOf(folder)
  mkdirSync(segments, { recursive: true })
  const file = join(segments, `${spanName(segment)}.json`)
  writeFileSync(`${file}.part`, `${JSON.stringify(segment, null, 1)}\n`)
  renameSync(`${file}.part`, file)
}

/** Deletes what an export that was killed has left. */
export const removeUnfinished = (folder: string): void => {
  if (!existsSync(folder)) return
  const finished = new Set(readSegments(folder).flatMap(({ files }) => files))
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.part') || (path.endsWith('.parquet') && !finished.has(path)))
      rmSync(join(folder, path))
}

/** What of a span none of the segments has, ascending. */
export const missingOf = (wanted: Span, segments: readonly Span[]): Span[] => {
  const missing: Span[] = []
  let at = wanted.from
  for (const { from, to } of segments.toSorted((one, other) => one.from - other.from)) {
    if (to <= at) continue
    if (from >= wanted.to) break
    if (from > at) missing.push({ from: at, to: from })
    at = to
  }
  if (at < wanted.to) missing.push({ from: at, to: wanted.to })
  return missing
}
