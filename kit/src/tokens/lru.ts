/** A map of bounded size that forgets what was not used for longest. */
export interface Lru<K, V> {
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  readonly delete: (key: K) => void
}

/** A Map keeps the order of insertion, so that its first key is the oldest when every use inserts anew. */
export const createLru = <K, V>(capacity: number): Lru<K, V> => {
  const entries = new Map<K, V>()
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) {
        entries.delete(key)
        entries.set(key, value)
      }
      return value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > capacity) {
        const [oldest] = entries.keys()
        if (oldest !== undefined) entries.delete(oldest)
      }
    },
    delete: (key) => void entries.delete(key),
  }
}
