/** The other edges, as far as they are heard of. */
export interface Edges {
  /** An edge said something, of whatever. */
  hear(edgeId: string): void
  /**
   * An edge says that it runs.
   *
   * @returns true when it is the first time, or the first since it seemed to be gone, though it is not new: what it has
   * may have been missed
   */
  greet(edgeId: string, startedAt: number): boolean
  /** An edge says that it ends; nothing that it said before counts any more. */
  end(edgeId: string): void
  /** Whether its word counts: it has not ended. */
  counts(edgeId: string): boolean
  /** Forgets the edges that were not heard of for the time to live. @returns those that are gone */
  expire(): string[]
}

/** @returns no edges yet */
export const createEdges = (ttlMs: number, now: () => number): Edges => {
  const heardAt = new Map<string, number>()
  const greeted = new Set<string>()
  // Topics have partitions: what an edge said before its last word can come after it.
  const endedAt = new Map<string, number>()
  let lookedAt = now()

  return {
    hear(edgeId) {
      if (!endedAt.has(edgeId)) heardAt.set(edgeId, now())
    },

    greet(edgeId, startedAt) {
      if (endedAt.has(edgeId)) return false
      heardAt.set(edgeId, now())
      if (greeted.has(edgeId)) return false
      greeted.add(edgeId)
      return now() - startedAt > ttlMs
    },

    end(edgeId) {
      heardAt.delete(edgeId)
      greeted.delete(edgeId)
      endedAt.set(edgeId, now())
    },

    counts: (edgeId) => !endedAt.has(edgeId),

    expire() {
      // It was this process that slept, and what the others said meanwhile is yet to be read.
      const slept = now() - lookedAt > ttlMs / 2
      lookedAt = now()
      if (slept) for (const edgeId of heardAt.keys()) heardAt.set(edgeId, now())
      const deadline = now() - ttlMs
      const gone = [...heardAt].filter(([, at]) => at < deadline).map(([edgeId]) => edgeId)
      for (const edgeId of gone) {
        heardAt.delete(edgeId)
        greeted.delete(edgeId)
      }
      for (const [edgeId, at] of endedAt) if (at < deadline) endedAt.delete(edgeId)
      return gone
    },
  }
}
