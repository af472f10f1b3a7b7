/** Where somebody stopped, so that a long track goes on there. */
const storageKey = 'veza.positions'
const kept = 100
/** Seconds: before, and so near to the end, a track begins anew. */
const early = 30
const late = 15

const read = (): [string, number][] => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]')
    return Array.isArray(value) ? (value as [string, number][]) : []
  } catch {
    return []
  }
}

/** @returns seconds, 0 = the beginning */
export const readPosition = (trackId: string): number => read().find(([id]) => id === trackId)?.[1] ?? 0

export const writePosition = (trackId: string, seconds: number, duration: number): void => {
  const others = read().filter(([id]) => id !== trackId)
  const isWorth = seconds > early && seconds < duration - late
  const all: [string, number][] = isWorth ? [[trackId, Math.floor(seconds)], ...others] : others
  localStorage.setItem(storageKey, JSON.stringify(all.slice(0, kept)))
}
