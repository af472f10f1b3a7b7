/** Who is connected here, and how often. */
export interface Users {
  /** Counts a connection, unless the user has `max` already. */
  add(userId: string, max: number): boolean
  remove(userId: string): void
  has(userId: string): boolean
}

/** @returns nobody */
export const createUsers = (): Users => {
  const connections = new Map<string, number>()
  return {
    add(userId, max) {
      const count = connections.get(userId) ?? 0
      if (count >= max) return false
      connections.set(userId, count + 1)
      return true
    },
    remove(userId) {
      const count = connections.get(userId) ?? 0
      if (count > 1) connections.set(userId, count - 1)
      else connections.delete(userId)
    },
    has: (userId) => connections.has(userId),
  }
}
