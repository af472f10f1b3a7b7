import { type AuditEntry, type AuditFilter, type AuditPlace, type AuditSource } from './entry.ts'

/** A page of the audit. */
export interface AuditPage {
  readonly entries: AuditEntry[]
  /** Where to read on before; undefined: this was the last page. */
  readonly next: AuditPlace | undefined
}

/** What compares as text in the audit's order. */
const placeOf = ({ at, id }: AuditPlace): string => `${at} ${id}`

const newestFirst = (one: AuditPlace, other: AuditPlace): number => (placeOf(one) < placeOf(other) ? 1 : -1)

/**
 * The parts of several contexts as one audit, the newest first. Pages stay what they are: what happens meanwhile comes
 * before the first, and a place is a time and an id, so it needs nothing that is kept. Rejects when a source can't say:
 * a part that is missing would not show.
 */
export const readAuditPage =
  (sources: readonly AuditSource[]) =>
  async (
    filter: AuditFilter,
    { before, limit }: { before: AuditPlace | undefined; limit: number },
  ): Promise<AuditPage> => {
    // Each may have all of the page, and the one more that tells whether another follows.
    const parts = await Promise.all(sources.map((source) => source.read(filter, before, limit + 1)))
    const found = parts.flat().sort(newestFirst)
    const entries = found.slice(0, limit)
    const last = entries.at(-1)
    return { entries, next: found.length > limit && last ? { at: last.at, id: last.id } : undefined }
  }
